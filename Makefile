# The habitual words; each forwards to a script, which says what it does with --help.
# make run ARGS="--port 9000" hands ARGS on.
.PHONY: build run test migrate bench format clean demo help
help:
	@echo "make build | run | test | migrate | bench | demo | format | clean   (ARGS=… is handed on)"
build:
	scripts/build $(ARGS)
run: build
	build/release/planebridge serve $(ARGS)
test:
	scripts/test $(ARGS)
migrate: build
	build/release/planebridge migrate $(ARGS)
bench:
	scripts/bench $(ARGS)
demo:
	scripts/demo $(ARGS)
format:
	git ls-files -z '*.cpp' '*.hpp' | xargs -0 clang-format -i
clean:
	rm -rf build

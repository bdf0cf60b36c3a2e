# scripts/lib/packages.sh: installs what scripts/packages lists and this machine lacks.
# Sourced after common.sh, by scripts/build, scripts/test, scripts/demo and .ci/run.
# shellcheck shell=bash

# listed_packages GROUP…: the packages of the groups that apply here, one a line.
listed_packages() {
  local group=$1 wanted=" $* " line package condition
  group=""
  while read -r line; do
    line=${line%%#*}
    case $line in
    '['*']'*)
      group=${line#[}
      group=${group%%]*}
      continue
      ;;
    '' | ' '*) continue ;;
    esac
    case $wanted in *" $group "*) ;; *) continue ;; esac
    package=${line%% *}
    condition=${line#"$package"}
    condition=${condition##*unless=}
    if [ -n "$condition" ] && command -v "$condition" >/dev/null 2>&1; then continue; fi
    printf '%s\n' "$package"
  done <"$root_dir/scripts/packages" | sort -u
}

missing_packages() {
  local package
  for package in $(listed_packages "$@"); do
    case $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) in
    installed) ;;
    *) printf '%s\n' "$package" ;;
    esac
  done
}

# need_packages GROUP…: returns when everything of the groups is installed, or ends with what to do.
need_packages() {
  command -v dpkg-query >/dev/null || die "this installs packages with apt-get, and there is no dpkg here. \
Use Debian 12, or install the equivalents of the packages in scripts/packages by hand."
  local missing
  missing=$(missing_packages "$@" | tr '\n' ' ')
  missing=${missing% }
  [ -n "$missing" ] || return 0

  local as_root=()
  if [ "$(id -u)" != 0 ]; then
    if command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
      as_root=(sudo)
    else
      die "these packages are missing, and this user may not install them. As root:
  apt-get update && apt-get install --no-install-recommends $missing"
    fi
  fi
  say "installing: $missing"
  install_as "${as_root[@]+"${as_root[@]}"}" -- "$missing"
}

# install_as [sudo] -- "PACKAGES": apt-get without questions, and without any service being started.
install_as() {
  local as_root=()
  while [ "$1" != -- ]; do
    as_root+=("$1")
    shift
  done
  local packages
  read -ra packages <<<"$2"

  # Services of this machine's owner are not ours to switch off: only those that come now.
  local unit new_units=()
  if command -v systemctl >/dev/null 2>&1; then
    for unit in apache2 nginx postgresql radicale; do
      systemctl cat "$unit" >/dev/null 2>&1 || new_units+=("$unit")
    done
  fi

  # Debian asks this file before a package's service is started at installation. One that is there
  # already (containers have one) stays.
  local policy=/usr/sbin/policy-rc.d made_policy=no
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 755 "$policy"
    made_policy=yes
  fi

  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get
    -y -q -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold)
  local log status=0
  log=$(mktemp)
  apt_install() { "${apt[@]}" install --no-install-recommends "${packages[@]}" </dev/null >"$log" 2>&1; }
  # The lists are refreshed only when there are none, or when what they promise is gone.
  if ! ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1 || ! apt_install; then
    if ! "${apt[@]}" update </dev/null >"$log" 2>&1; then status=1; else apt_install || status=$?; fi
  fi
  [ "$made_policy" = no ] || "${as_root[@]}" rm -f "$policy"
  if [ "$status" != 0 ]; then
    cat "$log" >&2
    rm -f "$log"
    die "apt-get could not install: ${packages[*]}"
  fi
  rm -f "$log"

  # What came along must not run from the next boot on either.
  if [ ${#new_units[@]} -gt 0 ]; then
    "${as_root[@]}" systemctl disable --now "${new_units[@]}" >/dev/null 2>&1 || true
  fi
}

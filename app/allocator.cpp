// How the daemon's allocator, jemalloc, is set up; it reads this before main().

// Few arenas, since few threads allocate much; what is freed goes back to the system after a
// second, so that a burst does not stay resident.
extern "C" const char* malloc_conf;  // NOLINT: jemalloc's name
const char* malloc_conf = "narenas:2,dirty_decay_ms:1000,muzzy_decay_ms:0";

/* For LD_PRELOAD: clocks that are off by what a file says, and a disk that takes its time or gives way.
 *
 *   SHIM_CLOCK   a file with seconds, read anew at each look at the clock, added to the time of day
 *   SHIM_SLOW    milliseconds that each fsync and fdatasync takes longer
 *   SHIM_DIES    the process is killed at its nth fsync or fdatasync, before it
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long off(void) {
    const char *name = getenv("SHIM_CLOCK");
    char text[32] = {0};
    if (!name) return 0;
    int file = (int)syscall(SYS_openat, AT_FDCWD, name, O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    long got = syscall(SYS_read, file, text, sizeof text - 1);
    syscall(SYS_close, file);
    return got > 0 ? atol(text) : 0;
}

/* The monotonic clock stays as it is: that is what it is for. */
int clock_gettime(clockid_t clock, struct timespec *now) {
    long failed = syscall(SYS_clock_gettime, clock, now);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += off();
    return (int)failed;
}

int gettimeofday(struct timeval *now, void *zone) {
    struct timespec t;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &t)) return -1;
    now->tv_sec = t.tv_sec;
    now->tv_usec = t.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *out) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    if (out) *out = t.tv_sec;
    return t.tv_sec;
}

static void before_sync(void) {
    static atomic_long count;
    const char *slow = getenv("SHIM_SLOW"), *dies = getenv("SHIM_DIES");
    if (dies && atomic_fetch_add(&count, 1) + 1 == atol(dies)) kill(getpid(), SIGKILL);
    if (slow) usleep((useconds_t)atol(slow) * 1000);
}

int fsync(int file) {
    before_sync();
    return (int)syscall(SYS_fsync, file);
}

int fdatasync(int file) {
    before_sync();
    return (int)syscall(SYS_fdatasync, file);
}

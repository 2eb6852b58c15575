/* Loaded into a gateway (LD_PRELOAD), this does to it what bad disks and clocks do.
 *
 * The file that FAULTS names holds three numbers: milliseconds that each synchronous write and each sync
 * of a file takes longer, 1 if the disk is full, and milliseconds that the wall clock is ahead. It is
 * read before each call, so a test changes them while the gateway runs.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct faults {
    long sync_ms, full, ahead_ms;
};

static struct faults faults(void) {
    struct faults now = {0, 0, 0};
    const char *path = getenv("FAULTS");
    FILE *file = path ? fopen(path, "r") : NULL;
    if (file != NULL) {
        if (fscanf(file, "%ld %ld %ld", &now.sync_ms, &now.full, &now.ahead_ms) != 3)
            now = (struct faults){0, 0, 0};
        fclose(file);
    }
    return now;
}

#define REAL(name) ((typeof(&name))dlsym(RTLD_NEXT, #name))

static int is_file(int fd) {
    struct stat about;
    return fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
}

static void be_slow(long sync_ms) {
    struct timespec pause = {sync_ms / 1000, sync_ms % 1000 * 1000000};
    if (sync_ms > 0)
        nanosleep(&pause, NULL);
}

int fdatasync(int fd) {
    be_slow(faults().sync_ms);
    return REAL(fdatasync)(fd);
}

int fsync(int fd) {
    be_slow(faults().sync_ms);
    return REAL(fsync)(fd);
}

/* A write in place needs no room; one beyond the end of its file does. */
static int is_refused(int fd, size_t count, off_t offset) {
    struct stat about;
    if (!is_file(fd))
        return 0;
    if (fcntl(fd, F_GETFL) & O_DSYNC)
        be_slow(faults().sync_ms);
    return faults().full && fstat(fd, &about) == 0 && offset + (off_t)count > about.st_size;
}

ssize_t pwrite64(int fd, const void *data, size_t count, off_t offset) {
    if (is_refused(fd, count, offset)) {
        errno = ENOSPC;
        return -1;
    }
    return REAL(pwrite64)(fd, data, count, offset);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
    if (is_refused(fd, 1, offset)) {
        errno = ENOSPC;
        return -1;
    }
    return REAL(pwritev)(fd, parts, count, offset);
}

int fallocate(int fd, int mode, off_t offset, off_t length) {
    if (faults().full) {
        errno = ENOSPC;
        return -1;
    }
    return REAL(fallocate)(fd, mode, offset, length);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int result = REAL(clock_gettime)(clock, now);
    if (result == 0 && clock == CLOCK_REALTIME)
        now->tv_sec += faults().ahead_ms / 1000;
    return result;
}

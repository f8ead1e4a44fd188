/* diskbench DEVICE SECONDS: reads and writes a disk past the page cache by the kernel's asynchronous I/O, and prints a line a test:
   "disk.NAME VALUE", MB/s for the sequential ones (128 KiB requests), requests a second for the random ones (4 KiB). */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { DEPTH = 32, SEQUENTIAL = 128 << 10, RANDOM = 4 << 10 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static uint64_t seed = 88172645463325252u;
static uint64_t next(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
}

static char *buffers;
static uint64_t size, at;

static void prepare(struct iocb *cb, int n, int fd, int write, int random)
{
    uint64_t bytes = random ? RANDOM : SEQUENTIAL;
    memset(cb, 0, sizeof *cb);
    cb->aio_data = n;
    cb->aio_fildes = fd;
    cb->aio_lio_opcode = write ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD;
    cb->aio_buf = (uintptr_t) (buffers + (size_t) n * SEQUENTIAL);
    cb->aio_nbytes = bytes;
    cb->aio_offset = random ? next() % (size / bytes) * bytes : at % (size / bytes) * bytes;
    at++;
}

static void run(const char *name, int fd, int write, int random, int depth, double seconds)
{
    aio_context_t context = 0;
    struct iocb cbs[DEPTH], *list[DEPTH];
    struct io_event events[DEPTH];
    if (syscall(SYS_io_setup, DEPTH, &context)) { perror("io_setup"); exit(1); }
    at = 0;
    for (int n = 0; n < depth; n++) prepare(list[n] = &cbs[n], n, fd, write, random);
    double start = now(), end = start + seconds, t;
    uint64_t done = 0;
    int flying = syscall(SYS_io_submit, context, depth, list);
    if (flying != depth) { perror("io_submit"); exit(1); }
    while (flying) {
        int got = syscall(SYS_io_getevents, context, 1, depth, events, NULL), again = 0;
        if (got < 1) { perror("io_getevents"); exit(1); }
        t = now();
        for (int i = 0; i < got; i++) {
            if (events[i].res != (random ? RANDOM : SEQUENTIAL)) { fprintf(stderr, "%s: result %lld\n", name, events[i].res); exit(1); }
            int n = events[i].data;
            done++;
            flying--;
            if (t < end) prepare(list[again++] = &cbs[n], n, fd, write, random);
        }
        if (again && syscall(SYS_io_submit, context, again, list) != again) { perror("io_submit"); exit(1); }
        flying += again;
    }
    double rate = done / (now() - start);
    printf("disk.%s-qd%d %.1f\n", name, depth, random ? rate : rate * SEQUENTIAL / 1e6);
    fflush(stdout);
    syscall(SYS_io_destroy, context);
}

int main(int argc, char **argv)
{
    if (argc != 3) { fprintf(stderr, "usage: diskbench DEVICE SECONDS\n"); return 2; }
    int fd = open(argv[1], O_RDWR | O_DIRECT);
    if (fd < 0 || ioctl(fd, BLKGETSIZE64, &size)) { perror(argv[1]); return 1; }
    if (posix_memalign((void **) &buffers, 4096, (size_t) DEPTH * SEQUENTIAL)) return 1;
    for (size_t n = 0; n < (size_t) DEPTH * SEQUENTIAL / 8; n++) ((uint64_t *) buffers)[n] = next();
    double seconds = atof(argv[2]);
    for (int depth = 1; depth <= DEPTH; depth += DEPTH - 1) {
        run("seq-write", fd, 1, 0, depth, seconds);
        run("seq-read", fd, 0, 0, depth, seconds);
        run("rand-write", fd, 1, 1, depth, seconds);
        run("rand-read", fd, 0, 1, depth, seconds);
    }
    return 0;
}

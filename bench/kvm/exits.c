/* The least that a program in C does for the guests of KvmBench.java: what the engine's times are compared with.
 *
 * Reads "port N", "mmio N", "kick N" or "ring N" from stdin, one a line, and answers each with a line: nanoseconds an exit for the first
 * two; for the others nanoseconds of each of the N events, in one line.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { CODE = 0x8000, HANDLER = 0x9000, RAM = 0xa0000, SIGNAL = 37, MOST = 100000 };

static int vm, vcpu, bell, line;
static struct kvm_run *run;
static uint8_t *ram;
static volatile long accesses;
static _Atomic long returned_at;
static _Atomic int returned, leave;
static pthread_t runner;
static long times[MOST];

static long now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000L + t.tv_nsec;
}

static int must(int result, const char *what) {
    if (result < 0) { perror(what); exit(1); }
    return result;
}

static void nothing(int signal) { (void) signal; }

static void create(void) {
    int kvm = must(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");
    vm = must(ioctl(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
    uint64_t identity = 0xfeffc000;
    ioctl(vm, KVM_SET_IDENTITY_MAP_ADDR, &identity);
    ioctl(vm, KVM_SET_TSS_ADDR, 0xfeffd000UL);
    struct kvm_enable_cap split = {.cap = KVM_CAP_SPLIT_IRQCHIP, .args = {24}};
    must(ioctl(vm, KVM_ENABLE_CAP, &split), "KVM_CAP_SPLIT_IRQCHIP");
    ram = mmap(0, RAM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct kvm_userspace_memory_region region = {.memory_size = RAM, .userspace_addr = (uint64_t) ram};
    must(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
    vcpu = must(ioctl(vm, KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");
    run = mmap(0, must(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), "mmap size"), PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
    struct { struct kvm_cpuid2 head; struct kvm_cpuid_entry2 entries[256]; } cpuid = {.head.nent = 256};
    must(ioctl(kvm, KVM_GET_SUPPORTED_CPUID, &cpuid), "KVM_GET_SUPPORTED_CPUID");
    must(ioctl(vcpu, KVM_SET_CPUID2, &cpuid), "KVM_SET_CPUID2");
}

/* Real mode; DS is at the device's memory, ES at the local APIC. */
static void start(const uint8_t *code, size_t bytes) {
    struct kvm_sregs s;
    must(ioctl(vcpu, KVM_GET_SREGS, &s), "KVM_GET_SREGS");
    s.cs.base = s.ss.base = 0;
    s.cs.selector = s.ss.selector = 0;
    s.ds.base = 0xb8000;
    s.es.base = 0xfee00000;
    must(ioctl(vcpu, KVM_SET_SREGS, &s), "KVM_SET_SREGS");
    struct kvm_regs r = {.rip = CODE, .rflags = 2, .rsp = 0x7000};
    must(ioctl(vcpu, KVM_SET_REGS, &r), "KVM_SET_REGS");
    struct kvm_mp_state running = {.mp_state = KVM_MP_STATE_RUNNABLE};
    must(ioctl(vcpu, KVM_SET_MP_STATE, &running), "KVM_SET_MP_STATE");
    memcpy(ram + CODE, code, bytes);
}

static double exits(long count, uint32_t reason) {
    long begin = now();
    for (long n = 0; n < count; n++) {
        must(ioctl(vcpu, KVM_RUN, 0), "KVM_RUN");
        if (run->exit_reason != reason) { fprintf(stderr, "exit %u\n", run->exit_reason); exit(1); }
        accesses++;
    }
    return (double) (now() - begin) / count;
}

static void *spin(void *unused) {
    (void) unused;
    while (!atomic_load(&leave)) {
        if (ioctl(vcpu, KVM_RUN, 0) < 0 && errno == EINTR) {
            atomic_store(&returned_at, now());
            run->immediate_exit = 0;
            atomic_fetch_add(&returned, 1);
        }
    }
    return 0;
}

static void pause_for(long nanos) {
    for (long until = now() + nanos; now() < until;) {}
}

static void kicks(long count) {
    atomic_store(&leave, 0);
    pthread_create(&runner, 0, spin, 0);
    pause_for(2000000);
    for (long n = 0; n < count; n++) {
        int before = atomic_load(&returned);
        long begin = now();
        run->immediate_exit = 1;
        pthread_kill(runner, SIGNAL);
        while (atomic_load(&returned) == before) {}
        times[n] = atomic_load(&returned_at) - begin;
        pause_for(300000);
    }
    atomic_store(&leave, 1);
    run->immediate_exit = 1;
    pthread_kill(runner, SIGNAL);
    pthread_join(runner, 0);
}

static void rings(long count) {
    atomic_store(&leave, 0);
    pthread_create(&runner, 0, spin, 0);
    pause_for(20000000);
    uint64_t word = 1;
    for (long n = 0; n < count; n++) {
        long begin = now();
        if (write(line, &word, 8) != 8 || read(bell, &word, 8) != 8) exit(1);
        times[n] = now() - begin;
        word = 1;
        pause_for(100000);
    }
    atomic_store(&leave, 1);
    run->immediate_exit = 1;
    pthread_kill(runner, SIGNAL);
    pthread_join(runner, 0);
}

static void doorbells(void) {
    bell = must(eventfd(0, EFD_CLOEXEC), "eventfd");
    line = must(eventfd(0, EFD_CLOEXEC), "eventfd");
    struct kvm_ioeventfd out = {.addr = 0x20, .len = 1, .fd = bell, .flags = KVM_IOEVENTFD_FLAG_PIO};
    must(ioctl(vm, KVM_IOEVENTFD, &out), "KVM_IOEVENTFD");
    struct { struct kvm_irq_routing head; struct kvm_irq_routing_entry entry; } route = {
        .head.nr = 1,
        .entry = {.gsi = 24, .type = KVM_IRQ_ROUTING_MSI, .u.msi = {.address_lo = 0xfee00000, .data = 0x41}}};
    must(ioctl(vm, KVM_SET_GSI_ROUTING, &route), "KVM_SET_GSI_ROUTING");
    struct kvm_irqfd in = {.fd = line, .gsi = 24};
    must(ioctl(vm, KVM_IRQFD, &in), "KVM_IRQFD");
    static const uint8_t handler[] = {0x26, 0x66, 0xc7, 0x06, 0xb0, 0, 0, 0, 0, 0, 0xe6, 0x20, 0xcf};
    memcpy(ram + HANDLER, handler, sizeof handler);
    *(uint32_t *) (ram + 4 * 0x41) = HANDLER;
}

int main(void) {
    static const uint8_t out[] = {0xe6, 0x10, 0xeb, 0xfc}, store[] = {0xa2, 0, 0, 0xeb, 0xfb}, loop[] = {0xeb, 0xfe};
    static const uint8_t wait[] = {0x26, 0x66, 0xc7, 0x06, 0xf0, 0, 0xff, 1, 0, 0, 0xfb, 0xf4, 0xeb, 0xfd};
    struct sigaction action = {.sa_handler = nothing};
    sigaction(SIGNAL, &action, 0);
    create();
    doorbells();
    char what[16];
    long count;
    while (scanf("%15s %ld", what, &count) == 2) {
        run->immediate_exit = 0;
        if (!strcmp(what, "port")) {
            start(out, sizeof out);
            printf("%.1f\n", exits(count, KVM_EXIT_IO));
        } else if (!strcmp(what, "mmio")) {
            start(store, sizeof store);
            printf("%.1f\n", exits(count, KVM_EXIT_MMIO));
        } else {
            int kick = !strcmp(what, "kick");
            if (kick) start(loop, sizeof loop); else start(wait, sizeof wait);
            if (kick) kicks(count); else rings(count);
            for (long n = 0; n < count; n++) printf("%ld ", times[n]);
            puts("");
        }
        /* An exit half done is finished before the next payload. */
        run->immediate_exit = 1;
        ioctl(vcpu, KVM_RUN, 0);
        fflush(stdout);
    }
    return 0;
}

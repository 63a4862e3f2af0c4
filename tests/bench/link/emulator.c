/* A line between two TUN devices: rate, delay, loss, queue and token bucket, by a virtual clock.
 *
 * A packet leaves when the one before has left and its own bits have passed, whatever the lateness of this process's
 * wake-ups, which tbf and its like forget. Written to for one experiment at a time: `set` restarts both directions.
 *
 *   emulator DEVICE0 DEVICE1
 *   set RATE_BITS DELAY_US LOSS_PPM QUEUE_US BUCKET_BYTES SEED     ->  ok
 *   stats          ->  {"passed": n, "dropped": n, "lost": n, "late": n, "latest_us": n}   since the last time
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define SLOTS 16384
#define FRAME 2048
#define ETHERNET 14
#define LATE_NS 5000000LL

struct packet { int64_t due; int length; unsigned char bytes[FRAME]; };
struct way { int from, to; struct packet *slots; unsigned head, count; double last; };

static double rate = 1e9, delay_ns, queue_ns = 1e9, bucket_ns;
static uint64_t loss_ppm, state = 88172645463325252ULL;
static uint64_t passed, dropped, lost, late, latest_ns;

static int64_t now_ns(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * 1000000000LL + at.tv_nsec;
}

static uint64_t chance(void) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return state % 1000000;
}

static int tun(const char *name) {
    struct ifreq request;
    int device = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
    memset(&request, 0, sizeof request);
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    if (device < 0 || ioctl(device, TUNSETIFF, &request) < 0) {
        perror(name);
        exit(1);
    }
    return device;
}

static void take(struct way *way) {
    unsigned char bytes[FRAME];
    ssize_t length;
    while ((length = read(way->from, bytes, FRAME)) > 0) {
        int64_t now = now_ns();
        double begins = way->last > now - bucket_ns ? way->last : now - bucket_ns;
        if (loss_ppm && chance() < loss_ppm) { lost++; continue; }
        if (begins - now > queue_ns || way->count == SLOTS) { dropped++; continue; }
        way->last = begins + (length + ETHERNET) * 8e9 / rate;
        struct packet *slot = &way->slots[(way->head + way->count++) % SLOTS];
        slot->due = (int64_t)((way->last > now ? way->last : (double)now) + delay_ns);
        slot->length = (int)length;
        memcpy(slot->bytes, bytes, (size_t)length);
    }
}

static int64_t give(struct way *way) {
    while (way->count) {
        struct packet *slot = &way->slots[way->head];
        int64_t behind = now_ns() - slot->due;
        if (behind < 0) return slot->due;
        if (write(way->to, slot->bytes, (size_t)slot->length) < 0 && errno == EAGAIN) return now_ns() + 100000;
        passed++;
        if (behind > LATE_NS) late++;
        if ((uint64_t)behind > latest_ns) latest_ns = (uint64_t)behind;
        way->head = (way->head + 1) % SLOTS;
        way->count--;
    }
    return INT64_MAX;
}

static void obey(struct way *ways) {
    char line[256];
    double delay_us, queue_us, bucket;
    unsigned long long loss, seed;
    if (!fgets(line, sizeof line, stdin)) exit(0);
    if (sscanf(line, "set %lf %lf %llu %lf %lf %llu", &rate, &delay_us, &loss, &queue_us, &bucket, &seed) == 6) {
        delay_ns = delay_us * 1e3, queue_ns = queue_us * 1e3, bucket_ns = bucket * 8e9 / rate;
        loss_ppm = loss, state = seed * 2654435761ULL + 88172645463325252ULL;
        for (int i = 0; i < 2; i++) ways[i].count = 0, ways[i].last = 0;
        passed = dropped = lost = late = latest_ns = 0;
        puts("ok");
    } else if (!strncmp(line, "stats", 5)) {
        printf("{\"passed\": %llu, \"dropped\": %llu, \"lost\": %llu, \"late\": %llu, \"latest_us\": %llu}\n",
               (unsigned long long)passed, (unsigned long long)dropped, (unsigned long long)lost,
               (unsigned long long)late, (unsigned long long)latest_ns / 1000);
        passed = dropped = lost = late = latest_ns = 0;
    } else puts("unknown");
    fflush(stdout);
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    struct way ways[2];
    int devices[2] = {tun(argv[1]), tun(argv[2])};
    struct sched_param first = {.sched_priority = 20};
    for (int i = 0; i < 2; i++)
        ways[i] = (struct way){devices[i], devices[1 - i], calloc(SLOTS, sizeof(struct packet)), 0, 0, 0};
    mlockall(MCL_CURRENT);
    printf("%s\n", sched_setscheduler(0, SCHED_FIFO, &first) ? "shared" : "first");
    fflush(stdout);
    setvbuf(stdin, NULL, _IONBF, 0);
    for (;;) {
        struct pollfd wanted[3] = {{devices[0], POLLIN, 0}, {devices[1], POLLIN, 0}, {0, POLLIN, 0}};
        int64_t next = give(&ways[0]), other = give(&ways[1]), wait;
        if (other < next) next = other;
        wait = next == INT64_MAX ? 1000000000LL : next - now_ns();
        if (wait < 0) wait = 0;
        struct timespec span = {wait / 1000000000LL, wait % 1000000000LL};
        ppoll(wanted, 3, &span, NULL);
        take(&ways[0]);
        take(&ways[1]);
        if (wanted[2].revents) obey(ways);
    }
}

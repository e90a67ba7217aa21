#include "lease.h"
#include "permits.h"

enum { LEASE_MS = 600 }; /* ms; the longest signature takes 0.33 s; then the foreground hangs (20-interlock) */

struct Lease {
    struct Drive drive;
    bool needs_key;
    int64_t until_ms;
};

/* Two leases: the foreground writes the one that is not current, then turns the index in one store. The
   interrupt ends a lease by its number, so that what it barred stays barred until the next is published. */
static struct Lease leases[2];
static volatile uint32_t current, barred_number;

/* When the clock will show `at_s`, in uptime: counted from its last change of second. */
static int64_t uptime_of(int64_t at_s) { return box.rtc_moved_ms + (at_s - box.rtc_s) * 1000; }

void lease_publish(void) {
    struct Lease *next = &leases[(current + 1) & 1];
    struct Span span;
    next->drive = box.orders;
    next->needs_key = box.phase == PHASE_RECOVERY;
    next->until_ms = smaller(box.uptime_ms + LEASE_MS, box.heard_ms + HEARTBEAT_LOST_MS + 1);
    if (box.hold_until_ms != NEVER) next->until_ms = smaller(next->until_ms, box.hold_until_ms);
    if (box.orders.permit_link && link_span(&span))
        next->until_ms = smaller(next->until_ms, uptime_of(smaller(span.end_s, box.rtc_s + budget_left_s())));
    if (box.orders.permit_drives && drive_span(&span, box.phase))
        next->until_ms = smaller(next->until_ms, uptime_of(span.end_s));
    __asm__ volatile("" ::: "memory"); /* one core: the order of the stores is all that is needed */
    current = current + 1;
}

struct Drive interlock_guard(const struct Senses *senses, int64_t uptime_ms) {
    uint32_t number = current;
    const struct Lease *lease = &leases[number & 1];
    struct Drive drive = lease->drive;
    bool live = drive.permit_link || drive.permit_drives;
    bool holds = number != barred_number && !senses->cut_pressed && senses->controller_supplied &&
                 uptime_ms < lease->until_ms && (!lease->needs_key || senses->key_turned) &&
                 (!drive.permit_link || (senses->drives_live == 0 && senses->k3_on_link)) &&
                 (!drive.permit_drives || (!link_touched(senses) && !senses->k3_on_link &&
                                          (senses->drives_live & ~drive.drive_mask) == 0));
    if (live && !holds) {
        barred_number = number;
        drive.permit_link = drive.permit_drives = false;
        drive.drive_mask = 0;
    }
    return drive;
}

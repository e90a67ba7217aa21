/* Everything the interlock knows: `memory` is what survives. Times are uptimes in ms, NEVER for none. */
#ifndef STATE_H
#define STATE_H
#include "interlock.h"
#include "tables.h"

#define NEVER INT64_C(-1)
enum { LINK_PHASES = 1 << PHASE_CONTACT_TEST | 1 << PHASE_INTAKE,
       DRIVE_PHASES = 1 << PHASE_SEAL | 1 << PHASE_SCRUB | 1 << PHASE_RECOVERY,
       RESTARTING = 1 << PHASE_UNKNOWN | 1 << PHASE_AIRLOCK };
enum { MISMATCHES = 4 };

struct Supply { /* ordered, about to be withdrawn, and since when it is measured dark or booted */
    bool ordered, leaving, sealing;
    int64_t since_ms, dark_since_ms, booted_ms;
};

struct Order { /* `kind` 0 is none; what the kind has no line for is zero; `vetoes` bit 0 for holder 1 */
    uint8_t kind, digest[32], vault_id[16], policy[32], nonce[16], pending[32], secured, fault, group;
    uint32_t vetoes;
    int64_t expires_s, time_s;
};

struct Upload { /* a text that is arriving; `kind` 0 is none */
    uint8_t kind, signatures, signer[SIGNATURES_MAX], signature[SIGNATURES_MAX][64];
    size_t length, received;
    uint8_t text[POLICY_BYTES_MAX];
};

struct State {
    struct Fram memory;
    bool vital, journal_changed; /* what differs from the record: at once, or within a second */
    int64_t saved_floor_s, saved_ms;
    uint8_t phase, cause, target;
    int64_t phase_since_ms, uptime_ms, rtc_s, rtc_raw_s, rtc_moved_ms; /* rtc_s: RTC_LOST when not believed */
    struct Senses senses;
    struct Drive orders;
    struct Supply supply;
    bool clean, k1_alone, k2_alone, conducted;
    int64_t heard_ms, hold_until_ms, link_since_ms, cut_before_s, cut_since_ms, warned_s;
    int64_t mismatch_since_ms[MISMATCHES];
    struct Upload upload;
    struct Order order, unseal; /* they wait to be served */
    int64_t ripe_since_ms, challenge_ms, set_clock_s; /* challenge_ms: NEVER without a challenge */
    uint8_t challenge[16];
};

extern struct State box;

static inline bool in(int phases, uint8_t phase) { return (phases >> phase & 1) != 0; }
static inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
static inline bool link_touched(const struct Senses *s) { return s->k1_conducting || s->k2_conducting; }
static inline bool all_dark(const struct Senses *s) {
    return !link_touched(s) && s->drives_live == 0 && !s->k3_on_link;
}
/* The best known time: the clock, else the last time it was known to be. */
static inline int64_t now_s(void) { return box.rtc_s == RTC_LOST ? box.memory.time_floor_s : box.rtc_s; }
static inline const struct Policy *in_force(void) {
    return box.memory.policies_count ? &box.memory.policies[0] : NULL;
}
static inline struct Pending *waiting(void) { return box.memory.pendings_count ? &box.memory.pendings[0] : NULL; }
/* Faults of which nothing is written: what the memory holds is not ours to change. */
static inline bool unwritten(void) {
    return box.memory.fault == CAUSE_MEMORY_LOST || box.memory.fault == CAUSE_FIRMWARE_OLD;
}
#endif

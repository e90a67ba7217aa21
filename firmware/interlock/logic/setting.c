/* Setting the clock by a quorum: nothing that was counted in time is won or forgotten (PROTOCOL 13.4-13.6). */
#include <string.h>
#include "digest.h"
#include "step.h"

static bool fresh(void) { return box.challenge_ms != NEVER && box.uptime_ms - box.challenge_ms < CHALLENGE_MS; }

static int64_t age_s(void) { return (box.uptime_ms - box.challenge_ms) / 1000; }

/* The witness seed is the only secret that root on the controller has not; sequence and uptime never come twice. */
void say_challenge(void) {
    if (!fresh()) {
        uint8_t moment[12], made[32];
        struct Writer w = {moment, 0, sizeof moment};
        put_integer(&w, box.memory.sequence, 4);
        put_integer(&w, box.uptime_ms, 8);
        hmac_sha256(made, box.memory.factory.witness_seed,
                    (struct Piece[]){{"iwato time challenge v1", 23}, {moment, 12}}, 2);
        memcpy(box.challenge, made, 16);
        box.challenge_ms = box.uptime_ms;
    }
    struct Challenge said = {.age_s = age_s()};
    memcpy(said.challenge, box.challenge, 16);
    say(MESSAGE_Challenge);
    put_Challenge(&reply, &said);
}

/* What the new time is judged against: the chip's clock while it runs, else the last time known. */
static int64_t reference_s(void) {
    int64_t raw = box.rtc_raw_s;
    bool running = raw != RTC_LOST && box.uptime_ms - box.rtc_moved_ms <= CLOCK_STALL_MS;
    return running && raw >= EPOCH_S && raw <= CLOCK_S_MAX ? raw : box.memory.time_floor_s;
}

/* What was spent stays spent; what would lie before 1970 or in the future counts as spent just now. */
static void move_exposure(int64_t by_s, int64_t now) {
    for (size_t i = 0; i < box.memory.exposure_count; i++) {
        struct Span *span = &box.memory.exposure[i];
        int64_t length = span->end_s - span->begin_s, end = smaller(now, span->end_s + by_s);
        *span = (struct Span){larger(0, end - length), larger(end, smaller(length, now))};
    }
}

/* Where the floor sinks a little, no order that expires by the old one is taken, since its nonce may be forgotten;
   where it was a glitch that nobody can wait for, none that could have been made before the order. */
static int64_t orders_after_s(int64_t was, int64_t now) {
    const struct Fram *memory = &box.memory;
    if (now >= memory->time_floor_s) return memory->orders_after_s;
    if (now >= memory->time_floor_s - BACK_S_MAX) return larger(memory->orders_after_s, memory->time_floor_s);
    return larger(was, now) + ORDER_LIFE_S_MAX;
}

static void set_to(int64_t now) {
    struct Fram *memory = &box.memory;
    int64_t was = reference_s(), by = now - was;
    memory->orders_after_s = orders_after_s(was, now);
    if (waiting() != NULL)
        waiting()->due_s = now + smaller(larger(0, waiting()->due_s - was), in_force()->delay_s);
    move_exposure(by, now);
    if (memory->last_cut_s != 0) memory->last_cut_s = smaller(now, memory->last_cut_s + by);
    memory->time_floor_s = box.rtc_s = box.rtc_raw_s = box.set_clock_s = now;
    box.rtc_moved_ms = box.uptime_ms;
    box.order.kind = box.unseal.kind = 0;
    box.challenge_ms = box.ripe_since_ms = NEVER;
    box.vital = true;
    note(EVENT_TIME_SET, CAUSE_NONE, 1);
}

uint8_t setting_judge(void) {
    struct Order order;
    const struct Policy *facts = in_force();
    if (facts == NULL) return CAUSE_NO_POLICY;
    if (!box.senses.key_turned) return CAUSE_KEY_NOT_TURNED;
    if (!order_read(&order, box.upload.kind, box.upload.text, box.upload.length)) return CAUSE_ORDER_MALFORMED;
    if (foreign(&order, facts)) return CAUSE_ORDER_FOREIGN;
    if (!fresh() || memcmp(order.nonce, box.challenge, 16) != 0) return CAUSE_NO_CHALLENGE;
    int64_t now = order.time_s + age_s();
    if (order.expires_s <= now) return CAUSE_ORDER_EXPIRED;
    if (order.expires_s > order.time_s + ORDER_LIFE_S_MAX) return CAUSE_ORDER_TOO_LONG_LIVED;
    if (now < reference_s() - BACK_S_MAX) return CAUSE_TIME_BACKWARDS;
    uint8_t barred = quorum(facts);
    if (barred == CAUSE_NONE) set_to(now);
    return barred;
}

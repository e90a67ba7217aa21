/* From one policy to the next: who must sign, who may object, when it takes effect (PROTOCOL 12). */
#include <string.h>
#include "digest.h"
#include "step.h"

enum { NEW_SIGNER = 0x80 }; /* added to the number of a holder whom only the uploaded text names */

static bool same_key(const struct HolderKey *a, const struct HolderKey *b) {
    return a->kind == b->kind && a->raw_bytes == b->raw_bytes && memcmp(a->raw, b->raw, a->raw_bytes) == 0;
}

static bool has_holder(const struct Policy *policy, const struct HolderKey *key) {
    for (size_t i = 0; i < policy->holders_count; i++)
        if (same_key(&policy->holders[i], key)) return true;
    return false;
}

static const struct HolderKey *keys[SIGNATURES_MAX]; /* of the signatures that were found good so far */

static bool has_signed(const struct HolderKey *key, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (same_key(keys[i], key)) return true;
    return false;
}

static size_t count_signed(const struct Policy *policy, size_t count) {
    size_t found = 0;
    for (size_t i = 0; i < policy->holders_count; i++) found += has_signed(&policy->holders[i], count);
    return found;
}

/* NONE when k old and k new holders signed, and everybody who enters proved to have the new key. */
static uint8_t signed_over(const struct Policy *old, const struct Policy *new) {
    size_t count = box.upload.signatures;
    for (size_t i = 0; i < count; i++) {
        uint8_t signer = box.upload.signer[i], number = signer & (uint8_t)~NEW_SIGNER;
        const struct Policy *of = signer & NEW_SIGNER ? new : old;
        if (number < 1 || number > of->holders_count) return CAUSE_SIGNER_UNKNOWN;
        keys[i] = &of->holders[number - 1];
        if (has_signed(keys[i], i)) return CAUSE_SIGNER_TWICE;
        if (!signed_by(keys[i], i)) return CAUSE_SIGNATURE_BAD;
    }
    if (count_signed(old, count) < old->quorum) return CAUSE_SIGNATURES_MISSING;
    for (size_t i = 0; i < new->holders_count; i++)
        if (!has_holder(old, &new->holders[i]) && !has_signed(&new->holders[i], count)) return CAUSE_ENTERING_MISSING;
    return count_signed(new, count) >= new->quorum ? CAUSE_NONE : CAUSE_SIGNATURES_MISSING;
}

static uint8_t barred_next(const struct Policy *old, const struct Policy *new, const uint8_t previous[32]) {
    uint8_t witness[32];
    if (memcmp(new->vault_id, old->vault_id, 16) != 0) return CAUSE_POLICY_FOREIGN;
    if (new->version != old->version + 1 || memcmp(previous, old->digest, 32) != 0) return CAUSE_POLICY_NOT_NEXT;
    ed25519_public(witness, box.memory.factory.witness_seed);
    if (memcmp(new->witness_key, witness, 32) != 0) return CAUSE_POLICY_WITNESS;
    bool same = new->generation == old->generation && memcmp(new->vault, old->vault, 32) == 0;
    if (!same && new->generation <= old->generation) return CAUSE_POLICY_GENERATION;
    for (size_t i = 0; i < box.memory.dropped_count; i++)
        if (memcmp(box.memory.dropped[i], new->digest, 32) == 0) return CAUSE_POLICY_DROPPED;
    if (waiting() != NULL && box.memory.dropped_count >= DROPPED_MAX) return CAUSE_POLICIES_FULL;
    return signed_over(old, new);
}

/* The policy waits for the delay of the one in force; a text that waited before never comes back. */
uint8_t succession_propose(void) {
    static struct Policy facts;
    uint8_t previous[32];
    const struct Policy *old = in_force();
    struct Fram *memory = &box.memory;
    if (old == NULL || box.rtc_s == RTC_LOST) return CAUSE_CLOCK_LOST;
    if (!policy_read(&facts, previous, box.upload.text, box.upload.length)) return CAUSE_POLICY_MALFORMED;
    uint8_t barred = barred_next(old, &facts, previous);
    if (barred != CAUSE_NONE) return barred;
    if (waiting() != NULL) memcpy(memory->dropped[memory->dropped_count++], waiting()->policy.digest, 32);
    memset(&memory->pendings[0], 0, sizeof memory->pendings[0]);
    memory->pendings[0].policy = facts;
    memory->pendings[0].due_s = box.rtc_s + old->delay_s;
    memory->pendings_count = 1;
    box.ripe_since_ms = NEVER;
    box.vital = true;
    note(EVENT_POLICY_PENDING, CAUSE_NONE, facts.version);
    return CAUSE_NONE;
}

static uint8_t veto(struct Pending *pending, uint32_t by, bool *news) {
    if (by == 0) return CAUSE_SIGNATURES_MISSING;
    for (size_t i = 0; i < in_force()->holders_count; i++)
        if ((by >> i & 1) != 0 && !has_holder(&pending->policy, &in_force()->holders[i])) return CAUSE_SIGNER_REMOVED;
    *news = (by & ~(uint32_t)pending->vetoes) != 0; /* a veto that is repeated takes no override away */
    if (!*news) return CAUSE_NONE;
    pending->vetoes |= by;
    pending->overridden = 0;
    return CAUSE_NONE;
}

static uint8_t override(struct Pending *pending, const struct Order *order, uint32_t by, bool *news) {
    if (pending->vetoes == 0) return CAUSE_NO_VETO;
    if (order->vetoes != (uint32_t)pending->vetoes) return CAUSE_ORDER_FOREIGN;
    if (ones(by & ~(uint32_t)pending->vetoes) < in_force()->quorum) return CAUSE_SIGNATURES_MISSING;
    *news = !pending->overridden;
    pending->overridden = 1;
    return CAUSE_NONE;
}

uint8_t succession_object(void) {
    struct Order order;
    struct Pending *pending = waiting();
    uint32_t by;
    bool news = false, vetoes = box.upload.kind == UPLOAD_VETO;
    if (in_force() == NULL) return CAUSE_NO_POLICY;
    if (pending == NULL) return CAUSE_NO_PENDING;
    if (!order_read(&order, box.upload.kind, box.upload.text, box.upload.length)) return CAUSE_ORDER_MALFORMED;
    if (foreign(&order, in_force())) return CAUSE_ORDER_FOREIGN;
    if (memcmp(order.pending, pending->policy.digest, 32) != 0) return CAUSE_ORDER_FOREIGN;
    uint8_t barred = signers(in_force(), &by);
    if (barred != CAUSE_NONE) return barred;
    barred = vetoes ? veto(pending, by, &news) : override(pending, &order, by, &news);
    if (barred != CAUSE_NONE || !news) return barred;
    box.ripe_since_ms = NEVER;
    box.vital = true;
    note(vetoes ? EVENT_VETO : EVENT_OVERRIDE, CAUSE_NONE, pending->vetoes);
    return CAUSE_NONE;
}

/* At a tick: time how long the policy has been due, and let it take effect while nothing is live. */
void succession_follow(void) {
    const struct Pending *pending = waiting();
    bool due = box.phase == PHASE_ISOLATED && !box.senses.cut_pressed && pending != NULL && box.rtc_s != RTC_LOST &&
               box.rtc_s >= pending->due_s && (pending->vetoes == 0 || pending->overridden);
    if (!due) box.ripe_since_ms = NEVER;
    else if (box.ripe_since_ms == NEVER) box.ripe_since_ms = box.uptime_ms;
    else if (box.uptime_ms - box.ripe_since_ms >= RIPE_MS) succession_adopt(&pending->policy);
}

/* What was signed under the policy before counts no more. */
void succession_adopt(const struct Policy *facts) {
    box.memory.policies[0] = *facts;
    box.memory.policies_count = 1;
    box.memory.pendings_count = box.memory.dropped_count = 0;
    box.upload.kind = box.order.kind = box.unseal.kind = 0;
    box.ripe_since_ms = box.challenge_ms = NEVER;
    box.vital = true;
    note(EVENT_POLICY, CAUSE_NONE, facts->version);
}

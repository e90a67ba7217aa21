/* Whether a complete upload carries the holders' authority, and what an order does (PROTOCOL 6, 7, 13). */
#include <string.h>
#include "digest.h"
#include "step.h"

unsigned ones(uint32_t mask) {
    unsigned count = 0;
    for (; mask != 0; mask &= mask - 1) count++;
    return count;
}

bool signed_by(const struct HolderKey *key, size_t signature) {
    const struct Upload *u = &box.upload;
    return sshsig_verify(key, NAMESPACES[u->kind], u->text, u->length, u->signature[signature]);
}

/* The holders who signed the text as its kind, bit 0 for holder 1; every signature given must be good. */
uint8_t signers(const struct Policy *facts, uint32_t *seen) {
    const struct Upload *u = &box.upload;
    *seen = 0;
    for (size_t i = 0; i < u->signatures; i++) {
        if (u->signer[i] < 1 || u->signer[i] > facts->holders_count) return CAUSE_SIGNER_UNKNOWN;
        uint32_t bit = UINT32_C(1) << (u->signer[i] - 1);
        if (*seen & bit) return CAUSE_SIGNER_TWICE;
        *seen |= bit;
        if (!signed_by(&facts->holders[u->signer[i] - 1], i)) return CAUSE_SIGNATURE_BAD;
    }
    return CAUSE_NONE;
}

uint8_t quorum(const struct Policy *facts) {
    uint32_t seen;
    uint8_t barred = signers(facts, &seen);
    if (barred != CAUSE_NONE) return barred;
    return ones(seen) >= facts->quorum ? CAUSE_NONE : CAUSE_SIGNATURES_MISSING;
}

/* Of the nonces whose orders could still be replayed: how many, and whether this is one; forgets the others. */
static size_t live_nonces(bool forget, const uint8_t nonce[16], bool *replayed) {
    struct Fram *memory = &box.memory;
    size_t live = 0;
    *replayed = false;
    for (size_t i = 0; i < memory->nonces_count; i++) {
        if (memory->nonces[i].expires_s <= memory->time_floor_s) continue;
        if (memcmp(memory->nonces[i].nonce, nonce, 16) == 0) *replayed = true;
        if (forget) memory->nonces[live] = memory->nonces[i];
        live++;
    }
    if (forget) memory->nonces_count = (uint8_t)live;
    return live;
}

static uint8_t stale(const struct Order *order, const struct Policy *facts) {
    bool replayed;
    size_t live = live_nonces(false, order->nonce, &replayed);
    if (foreign(order, facts)) return CAUSE_ORDER_FOREIGN;
    if (order->expires_s <= larger(box.rtc_s, box.memory.orders_after_s)) return CAUSE_ORDER_EXPIRED;
    if (order->expires_s > box.rtc_s + ORDER_LIFE_S_MAX) return CAUSE_ORDER_TOO_LONG_LIVED;
    if (replayed) return CAUSE_ORDER_REPLAYED;
    return live >= NONCES_MAX ? CAUSE_NONCES_FULL : CAUSE_NONE;
}

/* Why the order would do nothing here: other latches than it names, no such sealed group. */
static uint8_t idle(const struct Order *order, const struct Policy *facts) {
    if (order->kind == UPLOAD_RELEASE_ORDER) {
        bool named = order->secured == box.memory.secured && order->fault == box.memory.fault;
        return named ? CAUSE_NONE : CAUSE_NOTHING_LATCHED;
    }
    if (order->kind == UPLOAD_UNSEAL_ORDER) {
        bool sealed = order->group <= facts->groups_count && facts->groups[order->group - 1].sealed;
        return sealed ? CAUSE_NONE : CAUSE_NO_SUCH_GROUP;
    }
    return CAUSE_NONE;
}

/* The nonce is remembered, and so before the order can serve. */
static void obey(const struct Order *order) {
    bool replayed;
    size_t live = live_nonces(true, order->nonce, &replayed);
    memcpy(box.memory.nonces[live].nonce, order->nonce, 16);
    box.memory.nonces[live].expires_s = order->expires_s;
    box.memory.nonces_count++;
    box.vital = true;
    note(EVENT_ORDER, CAUSE_NONE, order->kind);
    if (order->kind == UPLOAD_RELEASE_ORDER) take(TURN_RELEASED, CAUSE_NONE);
    else if (order->kind == UPLOAD_UNSEAL_ORDER) box.unseal = *order;
    else box.order = *order;
}

uint8_t order_judge(void) {
    struct Order order;
    const struct Policy *facts = in_force();
    uint8_t kind = box.upload.kind;
    if (facts == NULL) return CAUSE_NO_POLICY;
    if (box.rtc_s == RTC_LOST) return CAUSE_CLOCK_LOST;
    if (kind != UPLOAD_RECOVERY_ORDER && !box.senses.key_turned) return CAUSE_KEY_NOT_TURNED;
    if (!order_read(&order, kind, box.upload.text, box.upload.length)) return CAUSE_ORDER_MALFORMED;
    uint8_t barred = stale(&order, facts);
    if (barred == CAUSE_NONE) barred = idle(&order, facts);
    if (barred == CAUSE_NONE) barred = quorum(facts);
    if (barred == CAUSE_NONE) obey(&order);
    return barred;
}

bool foreign(const struct Order *order, const struct Policy *facts) {
    return memcmp(order->vault_id, facts->vault_id, 16) != 0 || memcmp(order->policy, facts->digest, 32) != 0;
}

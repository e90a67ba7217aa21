/* Texts of the holders: they arrive in chunks, then signatures, then the judgement (PROTOCOL 6, 7, 12, 13). */
#include <string.h>
#include "digest.h"
#include "step.h"

static void ready(void) {
    say(MESSAGE_UploadReady);
    put_UploadReady(&reply, &(struct UploadReady){(int64_t)box.upload.received, box.upload.signatures});
}

static void forget(uint8_t number, uint8_t cause) {
    box.upload.kind = 0;
    refuse(number, cause);
}

static void begin(const struct UploadBegin *m) {
    int64_t most = m->kind == UPLOAD_POLICY ? POLICY_BYTES_MAX : ORDER_BYTES_MAX;
    if (m->length < 1 || m->length > most) {
        forget(MESSAGE_UploadBegin, CAUSE_UPLOAD_TOO_LONG);
        return;
    }
    box.upload.length = (size_t)m->length;
    box.upload.received = box.upload.signatures = 0;
    ready();
}

static void chunk(const struct UploadChunk *m) {
    struct Upload *u = &box.upload;
    if (m->offset != (int64_t)u->received || m->data_bytes > u->length - u->received) {
        forget(MESSAGE_UploadChunk, CAUSE_UPLOAD_SEQUENCE);
        return;
    }
    memcpy(u->text + u->received, m->data, m->data_bytes);
    u->received += m->data_bytes;
    ready();
}

static void signature(const struct UploadSignature *m) {
    struct Upload *u = &box.upload;
    if (u->received != u->length || u->signatures >= SIGNATURES_MAX) {
        forget(MESSAGE_UploadSignature, CAUSE_UPLOAD_SEQUENCE);
        return;
    }
    u->signer[u->signatures] = m->signer;
    memcpy(u->signature[u->signatures++], m->signature, 64);
    ready();
}

static uint8_t first_policy(void) {
    static struct Policy facts;
    uint8_t witness[32], previous[32], barred;
    if (!box.senses.key_turned) return CAUSE_KEY_NOT_TURNED;
    if (!policy_read(&facts, previous, box.upload.text, box.upload.length)) return CAUSE_POLICY_MALFORMED;
    if (facts.version != 1) return CAUSE_POLICY_NOT_FIRST;
    ed25519_public(witness, box.memory.factory.witness_seed);
    if (memcmp(witness, facts.witness_key, 32) != 0) return CAUSE_POLICY_WITNESS;
    barred = quorum(&facts);
    if (barred == CAUSE_NONE) succession_adopt(&facts);
    return barred;
}

/* Whether just this text was accepted and still counts: the answer to its commit may have been lost. */
static bool known(const uint8_t digest[32]) {
    const struct Order *order = box.upload.kind == UPLOAD_RECOVERY_ORDER ? &box.order : &box.unseal;
    if (box.upload.kind == UPLOAD_POLICY)
        return (in_force() != NULL && memcmp(in_force()->digest, digest, 32) == 0) ||
               (waiting() != NULL && memcmp(waiting()->policy.digest, digest, 32) == 0);
    return order->kind == box.upload.kind && box.rtc_s != RTC_LOST && order->expires_s > box.rtc_s &&
           memcmp(order->digest, digest, 32) == 0;
}

static uint8_t judge(void) {
    switch (box.upload.kind) {
    case UPLOAD_POLICY: return in_force() == NULL ? first_policy() : succession_propose();
    case UPLOAD_VETO:
    case UPLOAD_OVERRIDE: return succession_object();
    case UPLOAD_TIME_ORDER: return setting_judge();
    default: return order_judge();
    }
}

static void commit(void) {
    struct UploadAccepted said = {.kind = box.upload.kind};
    if (box.upload.received != box.upload.length) {
        forget(MESSAGE_UploadCommit, CAUSE_UPLOAD_SEQUENCE);
        return;
    }
    sha256(said.digest, (struct Piece[]){{box.upload.text, box.upload.length}}, 1);
    uint8_t barred = known(said.digest) ? (uint8_t)CAUSE_NONE : judge();
    box.upload.kind = 0;
    if (barred != CAUSE_NONE) {
        refuse(MESSAGE_UploadCommit, barred);
        return;
    }
    say(MESSAGE_UploadAccepted);
    put_UploadAccepted(&reply, &said);
}

void upload(uint8_t number, const union Message *m) {
    if (number == MESSAGE_UploadBegin) box.upload.kind = m->UploadBegin.kind;
    if (box.upload.kind == 0) refuse(number, box.phase == PHASE_ISOLATED ? CAUSE_UPLOAD_SEQUENCE : CAUSE_NOT_NOW);
    else if (!in(UPLOAD_WHERE[box.upload.kind], box.phase) || unwritten()) forget(number, CAUSE_NOT_NOW);
    else if (number == MESSAGE_UploadBegin) begin(&m->UploadBegin);
    else if (number == MESSAGE_UploadChunk) chunk(&m->UploadChunk);
    else if (number == MESSAGE_UploadSignature) signature(&m->UploadSignature);
    else commit();
}

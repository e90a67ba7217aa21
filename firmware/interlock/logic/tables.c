/* Made by tests/firmware/c_tables.py from the model's literals; change those. */
#include "tables.h"

static bool is_PHASE(uint8_t code) {
    switch (code) { case 0: case 1: case 2: case 3: case 4: case 5: case 6: case 7: case 8: case 9: return true; default: return false; }
}
static bool is_MEDIUM(uint8_t code) {
    switch (code) { case 1: case 2: return true; default: return false; }
}
static bool is_UPLOAD(uint8_t code) {
    switch (code) { case 1: case 2: case 3: case 4: case 5: case 6: case 7: return true; default: return false; }
}
static bool is_EVENT(uint8_t code) {
    switch (code) { case 1: case 2: case 3: case 4: case 5: case 6: case 7: case 8: case 9: case 10: case 11: case 12: case 13: return true; default: return false; }
}
static bool is_CAUSE(uint8_t code) {
    switch (code) { case 0: case 1: case 2: case 3: case 4: case 5: case 6: case 7: case 8: case 9: case 10: case 11: case 12: case 13: case 14: case 15: case 32: case 33: case 34: case 35: case 36: case 37: case 38: case 39: case 40: case 41: case 42: case 43: case 44: case 45: case 46: case 47: case 48: case 49: case 50: case 51: case 52: case 53: case 54: case 55: case 56: case 57: case 58: case 59: case 60: case 61: case 62: case 63: case 64: case 65: case 66: case 67: case 68: case 69: case 70: case 71: case 72: case 73: case 74: case 75: case 76: case 96: case 97: case 98: case 99: case 101: case 102: case 103: case 104: case 128: case 129: case 130: case 131: case 132: case 133: case 134: case 135: case 136: case 137: case 138: return true; default: return false; }
}
static bool is_KEY(uint8_t code) {
    switch (code) { case 1: case 2: return true; default: return false; }
}
static bool is_flag(uint8_t code) { return code < 2; }
const struct Row TURNS[PHASE_COUNT][TURN_COUNT] = {
    [PHASE_UNKNOWN][TURN_PROVEN] = {1, PHASE_ISOLATED, {0}},
    [PHASE_UNKNOWN][TURN_PROVEN_SECURED] = {1, PHASE_SECURED, {0}},
    [PHASE_UNKNOWN][TURN_PROVEN_FAULT] = {1, PHASE_FAULT, {0}},
    [PHASE_UNKNOWN][TURN_CUT_HELD] = {1, PHASE_UNKNOWN, {ACT_LATCH_SECURED}},
    [PHASE_UNKNOWN][TURN_BROKEN] = {1, PHASE_FAULT, {ACT_END_LINK, ACT_LATCH_FAULT}},
    [PHASE_ISOLATED][TURN_ASKS_INTAKE] = {1, PHASE_CONTACT_TEST, {ACT_BEGIN_LINK}},
    [PHASE_ISOLATED][TURN_ASKS_SEAL] = {1, PHASE_AIRLOCK, {ACT_BEGIN_DRIVE_HALF, ACT_LEAD_TO_SEAL}},
    [PHASE_ISOLATED][TURN_ASKS_SCRUB] = {1, PHASE_AIRLOCK, {ACT_LEAD_TO_SCRUB}},
    [PHASE_ISOLATED][TURN_ASKS_RECOVERY] = {1, PHASE_AIRLOCK, {ACT_LATCH_RECOVERY, ACT_LEAD_TO_RECOVERY}},
    [PHASE_ISOLATED][TURN_ASKS_ISOLATED] = {1, PHASE_ISOLATED, {0}},
    [PHASE_ISOLATED][TURN_ASKS_SECURED] = {1, PHASE_SECURED, {ACT_LATCH_SECURED}},
    [PHASE_ISOLATED][TURN_CUT_HELD] = {1, PHASE_SECURED, {ACT_LATCH_SECURED}},
    [PHASE_ISOLATED][TURN_BROKEN] = {1, PHASE_FAULT, {ACT_END_LINK, ACT_LATCH_FAULT}},
    [PHASE_CONTACT_TEST][TURN_TEST_PASSED] = {1, PHASE_INTAKE, {0}},
    [PHASE_CONTACT_TEST][TURN_TEST_FAILED] = {1, PHASE_ISOLATED, {ACT_END_LINK, ACT_COUNT_TEST}},
    [PHASE_CONTACT_TEST][TURN_LINK_HALF_OVER] = {1, PHASE_ISOLATED, {ACT_END_LINK, ACT_COUNT_TEST}},
    [PHASE_CONTACT_TEST][TURN_BUDGET_SPENT] = {1, PHASE_ISOLATED, {ACT_END_LINK, ACT_COUNT_TEST}},
    [PHASE_CONTACT_TEST][TURN_TIME_OVER] = {1, PHASE_ISOLATED, {ACT_END_LINK, ACT_COUNT_TEST}},
    [PHASE_CONTACT_TEST][TURN_HEARTBEAT_LOST] = {1, PHASE_ISOLATED, {ACT_END_LINK, ACT_COUNT_TEST}},
    [PHASE_CONTACT_TEST][TURN_CLOCK_LOST] = {1, PHASE_ISOLATED, {ACT_END_LINK, ACT_COUNT_TEST}},
    [PHASE_CONTACT_TEST][TURN_OTHER_LIVE] = {1, PHASE_ISOLATED, {ACT_END_LINK, ACT_COUNT_TEST}},
    [PHASE_CONTACT_TEST][TURN_CUT_PRESSED] = {1, PHASE_ISOLATED, {ACT_END_LINK, ACT_COUNT_TEST}},
    [PHASE_CONTACT_TEST][TURN_ASKS_ISOLATED] = {1, PHASE_ISOLATED, {ACT_END_LINK, ACT_COUNT_TEST}},
    [PHASE_CONTACT_TEST][TURN_ASKS_SECURED] = {1, PHASE_SECURED, {ACT_END_LINK, ACT_LATCH_SECURED}},
    [PHASE_CONTACT_TEST][TURN_BROKEN] = {1, PHASE_FAULT, {ACT_END_LINK, ACT_LATCH_FAULT}},
    [PHASE_INTAKE][TURN_DONE] = {1, PHASE_AIRLOCK, {ACT_END_LINK, ACT_BEGIN_DRIVE_HALF, ACT_LEAD_TO_SEAL}},
    [PHASE_INTAKE][TURN_LINK_HALF_OVER] = {1, PHASE_AIRLOCK, {ACT_END_LINK, ACT_BEGIN_DRIVE_HALF, ACT_LEAD_TO_SEAL}},
    [PHASE_INTAKE][TURN_BUDGET_SPENT] = {1, PHASE_AIRLOCK, {ACT_END_LINK, ACT_BEGIN_DRIVE_HALF, ACT_LEAD_TO_SEAL}},
    [PHASE_INTAKE][TURN_HEARTBEAT_LOST] = {1, PHASE_AIRLOCK, {ACT_END_LINK, ACT_BEGIN_DRIVE_HALF, ACT_LEAD_TO_SEAL}},
    [PHASE_INTAKE][TURN_TIME_OVER] = {1, PHASE_ISOLATED, {ACT_END_LINK}},
    [PHASE_INTAKE][TURN_CLOCK_LOST] = {1, PHASE_ISOLATED, {ACT_END_LINK}},
    [PHASE_INTAKE][TURN_OTHER_LIVE] = {1, PHASE_ISOLATED, {ACT_END_LINK}},
    [PHASE_INTAKE][TURN_CUT_PRESSED] = {1, PHASE_ISOLATED, {ACT_END_LINK}},
    [PHASE_INTAKE][TURN_ASKS_ISOLATED] = {1, PHASE_ISOLATED, {ACT_END_LINK}},
    [PHASE_INTAKE][TURN_ASKS_SECURED] = {1, PHASE_SECURED, {ACT_END_LINK, ACT_LATCH_SECURED}},
    [PHASE_INTAKE][TURN_BROKEN] = {1, PHASE_FAULT, {ACT_END_LINK, ACT_LATCH_FAULT}},
    [PHASE_AIRLOCK][TURN_RESTARTED_SEAL] = {1, PHASE_SEAL, {0}},
    [PHASE_AIRLOCK][TURN_RESTARTED_SCRUB] = {1, PHASE_SCRUB, {0}},
    [PHASE_AIRLOCK][TURN_RESTARTED_RECOVERY] = {1, PHASE_RECOVERY, {0}},
    [PHASE_AIRLOCK][TURN_RESTARTED_ISOLATED] = {1, PHASE_ISOLATED, {0}},
    [PHASE_AIRLOCK][TURN_RESTARTED_SECURED] = {1, PHASE_SECURED, {0}},
    [PHASE_AIRLOCK][TURN_TIME_OVER] = {1, PHASE_AIRLOCK, {ACT_LEAD_TO_ISOLATED}},
    [PHASE_AIRLOCK][TURN_CLOCK_LOST] = {1, PHASE_AIRLOCK, {ACT_LEAD_TO_ISOLATED}},
    [PHASE_AIRLOCK][TURN_KEY_RELEASED] = {1, PHASE_AIRLOCK, {ACT_LEAD_TO_ISOLATED}},
    [PHASE_AIRLOCK][TURN_CUT_PRESSED] = {1, PHASE_AIRLOCK, {ACT_LEAD_TO_ISOLATED}},
    [PHASE_AIRLOCK][TURN_CUT_HELD] = {1, PHASE_AIRLOCK, {ACT_LATCH_SECURED, ACT_LEAD_TO_ISOLATED}},
    [PHASE_AIRLOCK][TURN_BROKEN] = {1, PHASE_FAULT, {ACT_END_LINK, ACT_LATCH_FAULT}},
    [PHASE_SEAL][TURN_DONE] = {1, PHASE_AIRLOCK, {ACT_LEAD_TO_ISOLATED}},
    [PHASE_SEAL][TURN_TIME_OVER] = {1, PHASE_AIRLOCK, {ACT_LEAD_TO_ISOLATED}},
    [PHASE_SEAL][TURN_HEARTBEAT_LOST] = {1, PHASE_AIRLOCK, {ACT_LEAD_TO_ISOLATED}},
    [PHASE_SEAL][TURN_CONTROLLER_SILENT] = {1, PHASE_AIRLOCK, {ACT_LEAD_TO_ISOLATED}},
    [PHASE_SEAL][TURN_CLOCK_LOST] = {1, PHASE_AIRLOCK, {ACT_LEAD_TO_ISOLATED}},
    [PHASE_SEAL][TURN_OTHER_LIVE] = {1, PHASE_AIRLOCK, {ACT_LEAD_TO_ISOLATED}},
    [PHASE_SEAL][TURN_CUT_PRESSED] = {1, PHASE_AIRLOCK, {ACT_LEAD_TO_ISOLATED}},
    [PHASE_SEAL][TURN_ASKS_ISOLATED] = {1, PHASE_AIRLOCK, {ACT_LEAD_TO_ISOLATED}},
    [PHASE_SEAL][TURN_ASKS_SECURED] = {1, PHASE_AIRLOCK, {ACT_LATCH_SECURED, ACT_LEAD_TO_ISOLATED}},
    [PHASE_SEAL][TURN_BROKEN] = {1, PHASE_FAULT, {ACT_END_LINK, ACT_LATCH_FAULT}},
    [PHASE_SCRUB][TURN_DONE] = {1, PHASE_AIRLOCK, {ACT_LEAD_TO_ISOLATED}},
    [PHASE_SCRUB][TURN_TIME_OVER] = {1, PHASE_AIRLOCK, {ACT_LEAD_TO_ISOLATED}},
    [PHASE_SCRUB][TURN_HEARTBEAT_LOST] = {1, PHASE_AIRLOCK, {ACT_LEAD_TO_ISOLATED}},
    [PHASE_SCRUB][TURN_CONTROLLER_SILENT] = {1, PHASE_AIRLOCK, {ACT_LEAD_TO_ISOLATED}},
    [PHASE_SCRUB][TURN_CLOCK_LOST] = {1, PHASE_AIRLOCK, {ACT_LEAD_TO_ISOLATED}},
    [PHASE_SCRUB][TURN_OTHER_LIVE] = {1, PHASE_AIRLOCK, {ACT_LEAD_TO_ISOLATED}},
    [PHASE_SCRUB][TURN_CUT_PRESSED] = {1, PHASE_AIRLOCK, {ACT_LEAD_TO_ISOLATED}},
    [PHASE_SCRUB][TURN_ASKS_ISOLATED] = {1, PHASE_AIRLOCK, {ACT_LEAD_TO_ISOLATED}},
    [PHASE_SCRUB][TURN_ASKS_SECURED] = {1, PHASE_AIRLOCK, {ACT_LATCH_SECURED, ACT_LEAD_TO_ISOLATED}},
    [PHASE_SCRUB][TURN_BROKEN] = {1, PHASE_FAULT, {ACT_END_LINK, ACT_LATCH_FAULT}},
    [PHASE_RECOVERY][TURN_DONE] = {1, PHASE_AIRLOCK, {ACT_LEAD_TO_ISOLATED}},
    [PHASE_RECOVERY][TURN_TIME_OVER] = {1, PHASE_AIRLOCK, {ACT_LEAD_TO_ISOLATED}},
    [PHASE_RECOVERY][TURN_HEARTBEAT_LOST] = {1, PHASE_AIRLOCK, {ACT_LEAD_TO_ISOLATED}},
    [PHASE_RECOVERY][TURN_CONTROLLER_SILENT] = {1, PHASE_AIRLOCK, {ACT_LEAD_TO_ISOLATED}},
    [PHASE_RECOVERY][TURN_CLOCK_LOST] = {1, PHASE_AIRLOCK, {ACT_LEAD_TO_ISOLATED}},
    [PHASE_RECOVERY][TURN_KEY_RELEASED] = {1, PHASE_AIRLOCK, {ACT_LEAD_TO_ISOLATED}},
    [PHASE_RECOVERY][TURN_OTHER_LIVE] = {1, PHASE_AIRLOCK, {ACT_LEAD_TO_ISOLATED}},
    [PHASE_RECOVERY][TURN_CUT_PRESSED] = {1, PHASE_AIRLOCK, {ACT_LEAD_TO_ISOLATED}},
    [PHASE_RECOVERY][TURN_ASKS_ISOLATED] = {1, PHASE_AIRLOCK, {ACT_LEAD_TO_ISOLATED}},
    [PHASE_RECOVERY][TURN_ASKS_SECURED] = {1, PHASE_AIRLOCK, {ACT_LATCH_SECURED, ACT_LEAD_TO_ISOLATED}},
    [PHASE_RECOVERY][TURN_BROKEN] = {1, PHASE_FAULT, {ACT_END_LINK, ACT_LATCH_FAULT}},
    [PHASE_SECURED][TURN_ASKS_SECURED] = {1, PHASE_SECURED, {0}},
    [PHASE_SECURED][TURN_RELEASED] = {1, PHASE_AIRLOCK, {ACT_UNLATCH, ACT_LEAD_TO_ISOLATED}},
    [PHASE_SECURED][TURN_BROKEN] = {1, PHASE_FAULT, {ACT_END_LINK, ACT_LATCH_FAULT}},
    [PHASE_FAULT][TURN_CUT_HELD] = {1, PHASE_FAULT, {ACT_LATCH_SECURED}},
    [PHASE_FAULT][TURN_RELEASED] = {1, PHASE_AIRLOCK, {ACT_UNLATCH, ACT_LEAD_TO_ISOLATED}},
};
const uint8_t CAUSE_OF[TURN_COUNT] = {[TURN_PROVEN] = CAUSE_STARTED, [TURN_PROVEN_SECURED] = CAUSE_SECURED, [TURN_PROVEN_FAULT] = CAUSE_FAULTED, [TURN_TEST_PASSED] = CAUSE_CONTACT_TEST_PASSED, [TURN_TEST_FAILED] = CAUSE_CONTACT_TEST_FAILED, [TURN_LINK_HALF_OVER] = CAUSE_LINK_HALF_OVER, [TURN_BUDGET_SPENT] = CAUSE_BUDGET_SPENT, [TURN_TIME_OVER] = CAUSE_TIME_OVER, [TURN_HEARTBEAT_LOST] = CAUSE_HEARTBEAT_LOST, [TURN_CONTROLLER_SILENT] = CAUSE_CONTROLLER_SILENT, [TURN_CLOCK_LOST] = CAUSE_CLOCK_LOST, [TURN_KEY_RELEASED] = CAUSE_KEY_RELEASED, [TURN_OTHER_LIVE] = CAUSE_DRIVES_LIVE, [TURN_CUT_PRESSED] = CAUSE_CUT_PRESSED, [TURN_CUT_HELD] = CAUSE_CUT_HELD, [TURN_RELEASED] = CAUSE_RELEASED, [TURN_DONE] = CAUSE_WORK_DONE, [TURN_ASKS_INTAKE] = CAUSE_CONTROLLER_ASKED, [TURN_ASKS_SEAL] = CAUSE_CONTROLLER_ASKED, [TURN_ASKS_SCRUB] = CAUSE_CONTROLLER_ASKED, [TURN_ASKS_RECOVERY] = CAUSE_CONTROLLER_ASKED, [TURN_ASKS_ISOLATED] = CAUSE_CONTROLLER_ASKED, [TURN_ASKS_SECURED] = CAUSE_CONTROLLER_ASKED};
const uint8_t LINK_ENDS[256] = {[CAUSE_CUT_PRESSED] = TURN_CUT_PRESSED, [CAUSE_CLOCK_LOST] = TURN_CLOCK_LOST, [CAUSE_OUTSIDE_WINDOW] = TURN_TIME_OVER, [CAUSE_LINK_HALF_OVER] = TURN_LINK_HALF_OVER, [CAUSE_BUDGET_SPENT] = TURN_BUDGET_SPENT, [CAUSE_DRIVES_LIVE] = TURN_OTHER_LIVE, [CAUSE_HEARTBEAT_STALE] = TURN_HEARTBEAT_LOST};
const uint8_t DRIVE_ENDS[256] = {[CAUSE_CUT_PRESSED] = TURN_CUT_PRESSED, [CAUSE_CLOCK_LOST] = TURN_CLOCK_LOST, [CAUSE_LINK_CONDUCTING] = TURN_OTHER_LIVE, [CAUSE_DRIVES_LIVE] = TURN_OTHER_LIVE, [CAUSE_KEY_NOT_TURNED] = TURN_KEY_RELEASED, [CAUSE_OUTSIDE_WINDOW] = TURN_TIME_OVER, [CAUSE_ORDER_EXPIRED] = TURN_TIME_OVER, [CAUSE_NO_ORDER] = TURN_TIME_OVER};
const uint8_t SMALL_ORDER[7][32] = {
    {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
    {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
    {38, 232, 149, 143, 194, 178, 39, 176, 69, 195, 244, 137, 242, 239, 152, 240, 213, 223, 172, 5, 211, 198, 51, 57, 177, 56, 2, 136, 109, 83, 252, 5},
    {199, 23, 106, 112, 61, 77, 216, 79, 186, 60, 11, 118, 13, 16, 103, 15, 42, 32, 83, 250, 44, 57, 204, 198, 78, 199, 253, 119, 146, 172, 3, 122},
    {236, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 127},
    {237, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 127},
    {238, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 127}};
const char *const NAMESPACES[KIND_COUNT] = {[1] = "iwato-policy@v1", [2] = "iwato-recovery-order@v1", [3] = "iwato-policy-veto@v1", [4] = "iwato-policy-override@v1", [5] = "iwato-release-order@v1", [6] = "iwato-time-order@v1", [7] = "iwato-unseal-order@v1"};
const char *const ORDER_HEADS[KIND_COUNT] = {[2] = "iwato-recovery-order 1\n", [3] = "iwato-policy-veto 1\n", [4] = "iwato-policy-override 1\n", [5] = "iwato-release-order 1\n", [6] = "iwato-time-order 1\n", [7] = "iwato-unseal-order 1\n"};
const char *const LINE_WORDS[LINE_COUNT] = {[LINE_VAULT_ID] = "vault-id ", [LINE_POLICY] = "policy ", [LINE_NONCE] = "nonce ", [LINE_EXPIRES] = "expires ", [LINE_WHAT] = "what ", [LINE_WHY] = "why ", [LINE_DESTINATION] = "destination ", [LINE_PENDING] = "pending ", [LINE_VETOED_BY] = "vetoed-by ", [LINE_SECURED] = "secured ", [LINE_FAULT] = "fault ", [LINE_TIME] = "time ", [LINE_GROUP] = "group "};
const uint8_t ORDER_LINES[KIND_COUNT][9] = {
    [2] = {LINE_VAULT_ID, LINE_POLICY, LINE_NONCE, LINE_EXPIRES, LINE_WHAT, LINE_WHY, LINE_DESTINATION},
    [3] = {LINE_VAULT_ID, LINE_POLICY, LINE_PENDING, LINE_WHY},
    [4] = {LINE_VAULT_ID, LINE_POLICY, LINE_PENDING, LINE_VETOED_BY, LINE_WHY},
    [5] = {LINE_VAULT_ID, LINE_POLICY, LINE_NONCE, LINE_EXPIRES, LINE_SECURED, LINE_FAULT, LINE_WHY},
    [6] = {LINE_VAULT_ID, LINE_POLICY, LINE_NONCE, LINE_EXPIRES, LINE_TIME, LINE_WHY},
    [7] = {LINE_VAULT_ID, LINE_POLICY, LINE_NONCE, LINE_EXPIRES, LINE_GROUP, LINE_WHY},
};
const uint16_t UPLOAD_WHERE[KIND_COUNT] = {[1] = 2, [2] = 2, [3] = 770, [4] = 2, [5] = 768, [6] = 770, [7] = 2};
const struct Releasable RELEASABLE[RELEASABLE_COUNT] = {{96, "LINK_WITHOUT_ORDER"}, {97, "DRIVE_WITHOUT_ORDER"}, {98, "CHANGEOVER_STUCK"}, {99, "SUPPLY_STUCK"}, {102, "UNLISTED_PAIR"}, {103, "UPTIME_BACKWARDS"}};
void put_Hello(struct Writer *w, const struct Hello *v) {
    put_bytes(w, v->nonce, 8);
}
void get_Hello(struct Reader *r, struct Hello *v) {
    get_bytes(r, v->nonce, 8);
}
void put_Heartbeat(struct Writer *w, const struct Heartbeat *v) {
    put_integer(w, v->progress, 8);
    put_integer(w, v->stamp_ms, 8);
}
void get_Heartbeat(struct Reader *r, struct Heartbeat *v) {
    v->progress = get_integer(r, 8);
    v->stamp_ms = get_integer(r, 8);
}
void put_RequestPhase(struct Writer *w, const struct RequestPhase *v) {
    put_integer(w, v->phase, 1);
}
void get_RequestPhase(struct Reader *r, struct RequestPhase *v) {
    v->phase = (uint8_t)get_integer(r, 1); v->phase = checked(r, v->phase, is_PHASE(v->phase));
}
void put_Done(struct Writer *w, const struct Done *v) {
    put_integer(w, v->phase, 1);
}
void get_Done(struct Reader *r, struct Done *v) {
    v->phase = (uint8_t)get_integer(r, 1); v->phase = checked(r, v->phase, is_PHASE(v->phase));
}
void put_UploadBegin(struct Writer *w, const struct UploadBegin *v) {
    put_integer(w, v->kind, 1);
    put_integer(w, v->length, 4);
}
void get_UploadBegin(struct Reader *r, struct UploadBegin *v) {
    v->kind = (uint8_t)get_integer(r, 1); v->kind = checked(r, v->kind, is_UPLOAD(v->kind));
    v->length = get_integer(r, 4);
}
void put_UploadChunk(struct Writer *w, const struct UploadChunk *v) {
    put_integer(w, v->offset, 4);
    put_integer(w, v->data_bytes, 2); put_bytes(w, v->data, v->data_bytes);
}
void get_UploadChunk(struct Reader *r, struct UploadChunk *v) {
    v->offset = get_integer(r, 4);
    v->data_bytes = (uint16_t)get_blob(r, v->data, 1, 480);
}
void put_UploadSignature(struct Writer *w, const struct UploadSignature *v) {
    put_integer(w, v->signer, 1);
    put_bytes(w, v->signature, 64);
}
void get_UploadSignature(struct Reader *r, struct UploadSignature *v) {
    v->signer = (uint8_t)get_integer(r, 1);
    get_bytes(r, v->signature, 64);
}
void put_Cosign(struct Writer *w, const struct Cosign *v) {
    put_integer(w, v->size, 8);
    put_bytes(w, v->leaf_hash, 32);
}
void get_Cosign(struct Reader *r, struct Cosign *v) {
    v->size = get_integer(r, 8);
    get_bytes(r, v->leaf_hash, 32);
}
void put_EventRead(struct Writer *w, const struct EventRead *v) {
    put_integer(w, v->after, 4);
}
void get_EventRead(struct Reader *r, struct EventRead *v) {
    v->after = get_integer(r, 4);
}
void put_HelloAck(struct Writer *w, const struct HelloAck *v) {
    put_integer(w, v->phase, 1);
    put_integer(w, v->boot_medium, 1);
    put_integer(w, v->policy_version, 4);
    put_bytes(w, v->policy_hash, 32);
    put_integer(w, v->log_size, 8);
    put_bytes(w, v->log_root, 32);
    put_bytes(w, v->last_leaf_hash, 32);
    put_integer(w, v->time_s, 8);
    put_integer(w, v->stamp_ms, 8);
    put_integer(w, v->window_number, 4);
    put_bytes(w, v->session_nonce, 8);
}
void get_HelloAck(struct Reader *r, struct HelloAck *v) {
    v->phase = (uint8_t)get_integer(r, 1); v->phase = checked(r, v->phase, is_PHASE(v->phase));
    v->boot_medium = (uint8_t)get_integer(r, 1); v->boot_medium = checked(r, v->boot_medium, is_MEDIUM(v->boot_medium));
    v->policy_version = get_integer(r, 4);
    get_bytes(r, v->policy_hash, 32);
    v->log_size = get_integer(r, 8);
    get_bytes(r, v->log_root, 32);
    get_bytes(r, v->last_leaf_hash, 32);
    v->time_s = get_integer(r, 8);
    v->stamp_ms = get_integer(r, 8);
    v->window_number = get_integer(r, 4);
    get_bytes(r, v->session_nonce, 8);
}
void put_Status(struct Writer *w, const struct Status *v) {
    put_integer(w, v->phase, 1);
    put_integer(w, v->target, 1);
    put_integer(w, v->cause, 1);
    put_integer(w, v->fault, 1);
    put_integer(w, v->k1_conducting, 1);
    put_integer(w, v->k2_conducting, 1);
    put_integer(w, v->k3_on_link, 1);
    put_integer(w, v->cut_pressed, 1);
    put_integer(w, v->key_turned, 1);
    put_integer(w, v->controller_supplied, 1);
    put_integer(w, v->drives_live, 4);
    put_integer(w, v->ordered_link, 1);
    put_integer(w, v->ordered_drives, 1);
    put_integer(w, v->ordered_k3_on_link, 1);
    put_integer(w, v->ordered_mask, 4);
    put_integer(w, v->boot_medium, 1);
    put_integer(w, v->clock_valid, 1);
    put_integer(w, v->secured, 1);
    put_integer(w, v->recovery_latched, 1);
    put_integer(w, v->time_s, 8);
    put_integer(w, v->stamp_ms, 8);
    put_integer(w, v->window_number, 4);
    put_integer(w, v->window_begin_s, 8);
    put_integer(w, v->window_end_s, 8);
    put_integer(w, v->scrub_begin_s, 8);
    put_integer(w, v->scrub_end_s, 8);
    put_integer(w, v->window_left_s, 4);
    put_integer(w, v->link_left_s, 4);
    put_integer(w, v->drives_left_s, 4);
    put_integer(w, v->gap_left_s, 4);
    put_integer(w, v->exposure_used_s, 4);
    put_integer(w, v->exposure_left_s, 4);
    put_integer(w, v->tests_failed, 1);
    put_integer(w, v->refused, 4);
    put_integer(w, v->last_refused, 1);
    put_integer(w, v->wire_faults, 4);
    put_integer(w, v->event_newest, 4);
    put_integer(w, v->policy_version, 4);
    put_integer(w, v->log_size, 8);
}
void get_Status(struct Reader *r, struct Status *v) {
    v->phase = (uint8_t)get_integer(r, 1); v->phase = checked(r, v->phase, is_PHASE(v->phase));
    v->target = (uint8_t)get_integer(r, 1); v->target = checked(r, v->target, is_PHASE(v->target));
    v->cause = (uint8_t)get_integer(r, 1); v->cause = checked(r, v->cause, is_CAUSE(v->cause));
    v->fault = (uint8_t)get_integer(r, 1); v->fault = checked(r, v->fault, is_CAUSE(v->fault));
    v->k1_conducting = (uint8_t)get_integer(r, 1); v->k1_conducting = checked(r, v->k1_conducting, is_flag(v->k1_conducting));
    v->k2_conducting = (uint8_t)get_integer(r, 1); v->k2_conducting = checked(r, v->k2_conducting, is_flag(v->k2_conducting));
    v->k3_on_link = (uint8_t)get_integer(r, 1); v->k3_on_link = checked(r, v->k3_on_link, is_flag(v->k3_on_link));
    v->cut_pressed = (uint8_t)get_integer(r, 1); v->cut_pressed = checked(r, v->cut_pressed, is_flag(v->cut_pressed));
    v->key_turned = (uint8_t)get_integer(r, 1); v->key_turned = checked(r, v->key_turned, is_flag(v->key_turned));
    v->controller_supplied = (uint8_t)get_integer(r, 1); v->controller_supplied = checked(r, v->controller_supplied, is_flag(v->controller_supplied));
    v->drives_live = get_integer(r, 4);
    v->ordered_link = (uint8_t)get_integer(r, 1); v->ordered_link = checked(r, v->ordered_link, is_flag(v->ordered_link));
    v->ordered_drives = (uint8_t)get_integer(r, 1); v->ordered_drives = checked(r, v->ordered_drives, is_flag(v->ordered_drives));
    v->ordered_k3_on_link = (uint8_t)get_integer(r, 1); v->ordered_k3_on_link = checked(r, v->ordered_k3_on_link, is_flag(v->ordered_k3_on_link));
    v->ordered_mask = get_integer(r, 4);
    v->boot_medium = (uint8_t)get_integer(r, 1); v->boot_medium = checked(r, v->boot_medium, is_MEDIUM(v->boot_medium));
    v->clock_valid = (uint8_t)get_integer(r, 1); v->clock_valid = checked(r, v->clock_valid, is_flag(v->clock_valid));
    v->secured = (uint8_t)get_integer(r, 1); v->secured = checked(r, v->secured, is_flag(v->secured));
    v->recovery_latched = (uint8_t)get_integer(r, 1); v->recovery_latched = checked(r, v->recovery_latched, is_flag(v->recovery_latched));
    v->time_s = get_integer(r, 8);
    v->stamp_ms = get_integer(r, 8);
    v->window_number = get_integer(r, 4);
    v->window_begin_s = get_integer(r, 8);
    v->window_end_s = get_integer(r, 8);
    v->scrub_begin_s = get_integer(r, 8);
    v->scrub_end_s = get_integer(r, 8);
    v->window_left_s = get_integer(r, 4);
    v->link_left_s = get_integer(r, 4);
    v->drives_left_s = get_integer(r, 4);
    v->gap_left_s = get_integer(r, 4);
    v->exposure_used_s = get_integer(r, 4);
    v->exposure_left_s = get_integer(r, 4);
    v->tests_failed = (uint8_t)get_integer(r, 1);
    v->refused = get_integer(r, 4);
    v->last_refused = (uint8_t)get_integer(r, 1); v->last_refused = checked(r, v->last_refused, is_CAUSE(v->last_refused));
    v->wire_faults = get_integer(r, 4);
    v->event_newest = get_integer(r, 4);
    v->policy_version = get_integer(r, 4);
    v->log_size = get_integer(r, 8);
}
void put_Granted(struct Writer *w, const struct Granted *v) {
    put_integer(w, v->phase, 1);
}
void get_Granted(struct Reader *r, struct Granted *v) {
    v->phase = (uint8_t)get_integer(r, 1); v->phase = checked(r, v->phase, is_PHASE(v->phase));
}
void put_Refused(struct Writer *w, const struct Refused *v) {
    put_integer(w, v->request, 1);
    put_integer(w, v->cause, 1);
}
void get_Refused(struct Reader *r, struct Refused *v) {
    v->request = (uint8_t)get_integer(r, 1);
    v->cause = (uint8_t)get_integer(r, 1); v->cause = checked(r, v->cause, is_CAUSE(v->cause));
}
void put_CutWarning(struct Writer *w, const struct CutWarning *v) {
    put_integer(w, v->phase, 1);
    put_integer(w, v->left_s, 4);
}
void get_CutWarning(struct Reader *r, struct CutWarning *v) {
    v->phase = (uint8_t)get_integer(r, 1); v->phase = checked(r, v->phase, is_PHASE(v->phase));
    v->left_s = get_integer(r, 4);
}
void put_UploadAccepted(struct Writer *w, const struct UploadAccepted *v) {
    put_integer(w, v->kind, 1);
    put_bytes(w, v->digest, 32);
}
void get_UploadAccepted(struct Reader *r, struct UploadAccepted *v) {
    v->kind = (uint8_t)get_integer(r, 1); v->kind = checked(r, v->kind, is_UPLOAD(v->kind));
    get_bytes(r, v->digest, 32);
}
void put_UploadReady(struct Writer *w, const struct UploadReady *v) {
    put_integer(w, v->received, 4);
    put_integer(w, v->signatures, 1);
}
void get_UploadReady(struct Reader *r, struct UploadReady *v) {
    v->received = get_integer(r, 4);
    v->signatures = (uint8_t)get_integer(r, 1);
}
void put_Cosigned(struct Writer *w, const struct Cosigned *v) {
    put_integer(w, v->size, 8);
    put_integer(w, v->time_s, 8);
    put_bytes(w, v->root, 32);
    put_bytes(w, v->signature, 64);
}
void get_Cosigned(struct Reader *r, struct Cosigned *v) {
    v->size = get_integer(r, 8);
    v->time_s = get_integer(r, 8);
    get_bytes(r, v->root, 32);
    get_bytes(r, v->signature, 64);
}
void put_Event(struct Writer *w, const struct Event *v) {
    put_integer(w, v->sequence, 4);
    put_integer(w, v->time_s, 8);
    put_integer(w, v->kind, 1);
    put_integer(w, v->phase, 1);
    put_integer(w, v->cause, 1);
    put_integer(w, v->count, 4);
}
void get_Event(struct Reader *r, struct Event *v) {
    v->sequence = get_integer(r, 4);
    v->time_s = get_integer(r, 8);
    v->kind = (uint8_t)get_integer(r, 1); v->kind = checked(r, v->kind, is_EVENT(v->kind));
    v->phase = (uint8_t)get_integer(r, 1); v->phase = checked(r, v->phase, is_PHASE(v->phase));
    v->cause = (uint8_t)get_integer(r, 1); v->cause = checked(r, v->cause, is_CAUSE(v->cause));
    v->count = get_integer(r, 4);
}
void put_NoEvent(struct Writer *w, const struct NoEvent *v) {
    put_integer(w, v->newest, 4);
}
void get_NoEvent(struct Reader *r, struct NoEvent *v) {
    v->newest = get_integer(r, 4);
}
void put_Challenge(struct Writer *w, const struct Challenge *v) {
    put_bytes(w, v->challenge, 16);
    put_integer(w, v->age_s, 4);
}
void get_Challenge(struct Reader *r, struct Challenge *v) {
    get_bytes(r, v->challenge, 16);
    v->age_s = get_integer(r, 4);
}
void put_Authority(struct Writer *w, const struct Authority *v) {
    put_integer(w, v->policy_version, 4);
    put_bytes(w, v->policy_hash, 32);
    put_integer(w, v->generation, 4);
    put_integer(w, v->firmware, 4);
    put_integer(w, v->pending_version, 4);
    put_bytes(w, v->pending_hash, 32);
    put_integer(w, v->pending_due_s, 8);
    put_integer(w, v->vetoes, 2);
    put_integer(w, v->overridden, 1);
    put_integer(w, v->group, 1);
    put_integer(w, v->unsealed, 1);
    put_integer(w, v->orders, 1);
}
void get_Authority(struct Reader *r, struct Authority *v) {
    v->policy_version = get_integer(r, 4);
    get_bytes(r, v->policy_hash, 32);
    v->generation = get_integer(r, 4);
    v->firmware = get_integer(r, 4);
    v->pending_version = get_integer(r, 4);
    get_bytes(r, v->pending_hash, 32);
    v->pending_due_s = get_integer(r, 8);
    v->vetoes = get_integer(r, 2);
    v->overridden = (uint8_t)get_integer(r, 1); v->overridden = checked(r, v->overridden, is_flag(v->overridden));
    v->group = (uint8_t)get_integer(r, 1);
    v->unsealed = (uint8_t)get_integer(r, 1);
    v->orders = (uint8_t)get_integer(r, 1);
}
void put_ErrorReply(struct Writer *w, const struct ErrorReply *v) {
    put_integer(w, v->cause, 1);
    put_integer(w, v->message_id, 1);
}
void get_ErrorReply(struct Reader *r, struct ErrorReply *v) {
    v->cause = (uint8_t)get_integer(r, 1); v->cause = checked(r, v->cause, is_CAUSE(v->cause));
    v->message_id = (uint8_t)get_integer(r, 1);
}
void put_Factory(struct Writer *w, const struct Factory *v) {
    put_bytes(w, v->pairing_key, 32);
    put_bytes(w, v->witness_seed, 32);
}
void get_Factory(struct Reader *r, struct Factory *v) {
    get_bytes(r, v->pairing_key, 32);
    get_bytes(r, v->witness_seed, 32);
}
void put_HolderKey(struct Writer *w, const struct HolderKey *v) {
    put_integer(w, v->kind, 1);
    put_integer(w, v->raw_bytes, 2); put_bytes(w, v->raw, v->raw_bytes);
}
void get_HolderKey(struct Reader *r, struct HolderKey *v) {
    v->kind = (uint8_t)get_integer(r, 1); v->kind = checked(r, v->kind, is_KEY(v->kind));
    v->raw_bytes = (uint16_t)get_blob(r, v->raw, 32, 65);
}
void put_Slot(struct Writer *w, const struct Slot *v) {
    put_integer(w, v->begin_s, 4);
    put_integer(w, v->end_s, 4);
    put_integer(w, v->offset_s, 4);
}
void get_Slot(struct Reader *r, struct Slot *v) {
    v->begin_s = get_integer(r, 4);
    v->end_s = get_integer(r, 4);
    v->offset_s = get_signed_word(r);
}
void put_Window(struct Writer *w, const struct Window *v) {
    put_Slot(w, &v->slot);
    put_integer(w, v->link_s, 4);
}
void get_Window(struct Reader *r, struct Window *v) {
    get_Slot(r, &v->slot);
    v->link_s = get_integer(r, 4);
}
void put_Group(struct Writer *w, const struct Group *v) {
    put_integer(w, v->bays, 1);
    put_integer(w, v->sealed, 1);
}
void get_Group(struct Reader *r, struct Group *v) {
    v->bays = (uint8_t)get_integer(r, 1);
    v->sealed = (uint8_t)get_integer(r, 1); v->sealed = checked(r, v->sealed, is_flag(v->sealed));
}
void put_Policy(struct Writer *w, const struct Policy *v) {
    put_integer(w, v->version, 4);
    put_bytes(w, v->digest, 32);
    put_bytes(w, v->vault_id, 16);
    put_integer(w, v->quorum, 1);
    put_integer(w, v->holders_count, 1); for (size_t i = 0; i < v->holders_count; i++) put_HolderKey(w, &v->holders[i]);
    put_bytes(w, v->log_key, 32);
    put_bytes(w, v->witness_key, 32);
    put_integer(w, v->windows_count, 1); for (size_t i = 0; i < v->windows_count; i++) put_Window(w, &v->windows[i]);
    put_integer(w, v->scrubs_count, 1); for (size_t i = 0; i < v->scrubs_count; i++) put_Slot(w, &v->scrubs[i]);
    put_integer(w, v->groups_count, 1); for (size_t i = 0; i < v->groups_count; i++) put_Group(w, &v->groups[i]);
    put_integer(w, v->generation, 4);
    put_bytes(w, v->vault, 32);
    put_integer(w, v->delay_s, 4);
}
void get_Policy(struct Reader *r, struct Policy *v) {
    v->version = get_integer(r, 4);
    get_bytes(r, v->digest, 32);
    get_bytes(r, v->vault_id, 16);
    v->quorum = (uint8_t)get_integer(r, 1);
    v->holders_count = (uint8_t)get_count(r, 16); for (size_t i = 0; i < v->holders_count; i++) get_HolderKey(r, &v->holders[i]);
    get_bytes(r, v->log_key, 32);
    get_bytes(r, v->witness_key, 32);
    v->windows_count = (uint8_t)get_count(r, 8); for (size_t i = 0; i < v->windows_count; i++) get_Window(r, &v->windows[i]);
    v->scrubs_count = (uint8_t)get_count(r, 8); for (size_t i = 0; i < v->scrubs_count; i++) get_Slot(r, &v->scrubs[i]);
    v->groups_count = (uint8_t)get_count(r, 5); for (size_t i = 0; i < v->groups_count; i++) get_Group(r, &v->groups[i]);
    v->generation = get_integer(r, 4);
    get_bytes(r, v->vault, 32);
    v->delay_s = get_integer(r, 4);
}
void put_Pending(struct Writer *w, const struct Pending *v) {
    put_Policy(w, &v->policy);
    put_integer(w, v->due_s, 8);
    put_integer(w, v->vetoes, 2);
    put_integer(w, v->overridden, 1);
}
void get_Pending(struct Reader *r, struct Pending *v) {
    get_Policy(r, &v->policy);
    v->due_s = get_integer(r, 8);
    v->vetoes = get_integer(r, 2);
    v->overridden = (uint8_t)get_integer(r, 1); v->overridden = checked(r, v->overridden, is_flag(v->overridden));
}
void put_Log(struct Writer *w, const struct Log *v) {
    put_integer(w, v->size, 8);
    put_integer(w, v->edge_count, 1); for (size_t i = 0; i < v->edge_count; i++) put_bytes(w, v->edge[i], 32);
    put_bytes(w, v->last_leaf, 32);
    put_integer(w, v->last_time_s, 8);
}
void get_Log(struct Reader *r, struct Log *v) {
    v->size = get_integer(r, 8);
    v->edge_count = (uint8_t)get_count(r, 63); for (size_t i = 0; i < v->edge_count; i++) get_bytes(r, v->edge[i], 32);
    get_bytes(r, v->last_leaf, 32);
    v->last_time_s = get_integer(r, 8);
}
void put_Span(struct Writer *w, const struct Span *v) {
    put_integer(w, v->begin_s, 8);
    put_integer(w, v->end_s, 8);
}
void get_Span(struct Reader *r, struct Span *v) {
    v->begin_s = get_integer(r, 8);
    v->end_s = get_integer(r, 8);
}
void put_UsedWindow(struct Writer *w, const struct UsedWindow *v) {
    put_integer(w, v->number, 4);
    put_integer(w, v->begin_s, 8);
    put_integer(w, v->tests_failed, 1);
    put_integer(w, v->drive_half, 1);
}
void get_UsedWindow(struct Reader *r, struct UsedWindow *v) {
    v->number = get_integer(r, 4);
    v->begin_s = get_integer(r, 8);
    v->tests_failed = (uint8_t)get_integer(r, 1);
    v->drive_half = (uint8_t)get_integer(r, 1); v->drive_half = checked(r, v->drive_half, is_flag(v->drive_half));
}
void put_Nonce(struct Writer *w, const struct Nonce *v) {
    put_bytes(w, v->nonce, 16);
    put_integer(w, v->expires_s, 8);
}
void get_Nonce(struct Reader *r, struct Nonce *v) {
    get_bytes(r, v->nonce, 16);
    v->expires_s = get_integer(r, 8);
}
void put_Refusal(struct Writer *w, const struct Refusal *v) {
    put_integer(w, v->cause, 1);
    put_integer(w, v->count, 4);
    put_integer(w, v->last_s, 8);
}
void get_Refusal(struct Reader *r, struct Refusal *v) {
    v->cause = (uint8_t)get_integer(r, 1); v->cause = checked(r, v->cause, is_CAUSE(v->cause));
    v->count = get_integer(r, 4);
    v->last_s = get_integer(r, 8);
}
void put_Journal(struct Writer *w, const struct Journal *v) {
    put_integer(w, v->newest, 4);
    put_integer(w, v->events_count, 1); for (size_t i = 0; i < v->events_count; i++) put_Event(w, &v->events[i]);
    put_integer(w, v->refusals_count, 1); for (size_t i = 0; i < v->refusals_count; i++) put_Refusal(w, &v->refusals[i]);
}
void get_Journal(struct Reader *r, struct Journal *v) {
    v->newest = get_integer(r, 4);
    v->events_count = (uint8_t)get_count(r, 64); for (size_t i = 0; i < v->events_count; i++) get_Event(r, &v->events[i]);
    v->refusals_count = (uint8_t)get_count(r, 80); for (size_t i = 0; i < v->refusals_count; i++) get_Refusal(r, &v->refusals[i]);
}
void put_Fram(struct Writer *w, const struct Fram *v) {
    put_Factory(w, &v->factory);
    put_integer(w, v->sequence, 4);
    put_integer(w, v->firmware, 4);
    put_integer(w, v->policies_count, 1); for (size_t i = 0; i < v->policies_count; i++) put_Policy(w, &v->policies[i]);
    put_integer(w, v->pendings_count, 1); for (size_t i = 0; i < v->pendings_count; i++) put_Pending(w, &v->pendings[i]);
    put_integer(w, v->dropped_count, 1); for (size_t i = 0; i < v->dropped_count; i++) put_bytes(w, v->dropped[i], 32);
    put_Log(w, &v->log);
    put_integer(w, v->exposure_count, 1); for (size_t i = 0; i < v->exposure_count; i++) put_Span(w, &v->exposure[i]);
    put_integer(w, v->last_cut_s, 8);
    put_integer(w, v->time_floor_s, 8);
    put_UsedWindow(w, &v->window);
    put_integer(w, v->nonces_count, 1); for (size_t i = 0; i < v->nonces_count; i++) put_Nonce(w, &v->nonces[i]);
    put_integer(w, v->orders_after_s, 8);
    put_integer(w, v->fault, 1);
    put_integer(w, v->secured, 1);
    put_integer(w, v->recovery_latched, 1);
    put_Journal(w, &v->journal);
}
void get_Fram(struct Reader *r, struct Fram *v) {
    get_Factory(r, &v->factory);
    v->sequence = get_integer(r, 4);
    v->firmware = get_integer(r, 4);
    v->policies_count = (uint8_t)get_count(r, 1); for (size_t i = 0; i < v->policies_count; i++) get_Policy(r, &v->policies[i]);
    v->pendings_count = (uint8_t)get_count(r, 1); for (size_t i = 0; i < v->pendings_count; i++) get_Pending(r, &v->pendings[i]);
    v->dropped_count = (uint8_t)get_count(r, 16); for (size_t i = 0; i < v->dropped_count; i++) get_bytes(r, v->dropped[i], 32);
    get_Log(r, &v->log);
    v->exposure_count = (uint8_t)get_count(r, 32); for (size_t i = 0; i < v->exposure_count; i++) get_Span(r, &v->exposure[i]);
    v->last_cut_s = get_integer(r, 8);
    v->time_floor_s = get_integer(r, 8);
    get_UsedWindow(r, &v->window);
    v->nonces_count = (uint8_t)get_count(r, 64); for (size_t i = 0; i < v->nonces_count; i++) get_Nonce(r, &v->nonces[i]);
    v->orders_after_s = get_integer(r, 8);
    v->fault = (uint8_t)get_integer(r, 1); v->fault = checked(r, v->fault, is_CAUSE(v->fault));
    v->secured = (uint8_t)get_integer(r, 1); v->secured = checked(r, v->secured, is_flag(v->secured));
    v->recovery_latched = (uint8_t)get_integer(r, 1); v->recovery_latched = checked(r, v->recovery_latched, is_flag(v->recovery_latched));
    get_Journal(r, &v->journal);
}
uint8_t get_message(const uint8_t *payload, size_t bytes, union Message *m) {
    struct Reader r = {payload, 1, bytes, false};
    switch (payload[0]) {
    case 1: get_Hello(&r, &m->Hello); break;
    case 2: get_Heartbeat(&r, &m->Heartbeat); break;
    case 3: get_RequestPhase(&r, &m->RequestPhase); break;
    case 4: get_Done(&r, &m->Done); break;
    case 5: get_UploadBegin(&r, &m->UploadBegin); break;
    case 6: get_UploadChunk(&r, &m->UploadChunk); break;
    case 7: get_UploadSignature(&r, &m->UploadSignature); break;
    case 9: get_Cosign(&r, &m->Cosign); break;
    case 10: get_EventRead(&r, &m->EventRead); break;
    case 129: get_HelloAck(&r, &m->HelloAck); break;
    case 130: get_Status(&r, &m->Status); break;
    case 131: get_Granted(&r, &m->Granted); break;
    case 132: get_Refused(&r, &m->Refused); break;
    case 133: get_CutWarning(&r, &m->CutWarning); break;
    case 134: get_UploadAccepted(&r, &m->UploadAccepted); break;
    case 135: get_UploadReady(&r, &m->UploadReady); break;
    case 136: get_Cosigned(&r, &m->Cosigned); break;
    case 137: get_Event(&r, &m->Event); break;
    case 138: get_NoEvent(&r, &m->NoEvent); break;
    case 139: get_Challenge(&r, &m->Challenge); break;
    case 140: get_Authority(&r, &m->Authority); break;
    case 143: get_ErrorReply(&r, &m->ErrorReply); break;
    case 8: case 11: case 12: break;
    default: return CAUSE_WIRE_UNKNOWN_MESSAGE;
    }
    return r.bad || r.at != bytes ? CAUSE_WIRE_MALFORMED : CAUSE_NONE;
}

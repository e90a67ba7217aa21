/* What the interlock does with what the controller says: an answer to each message (PROTOCOL 4, 5.10). */
#include "permits.h"
#include "step.h"

enum { COSIGNING = 1 << PHASE_ISOLATED | DRIVE_PHASES };

void refuse(uint8_t number, uint8_t cause) {
    count_refusal(cause, 1);
    say(MESSAGE_Refused);
    put_Refused(&reply, &(struct Refused){.request = number, .cause = cause});
}

/* A beat is as old as the stamp it echoes, less a credit; one from before the restart is none. */
static void beat(const struct Heartbeat *beat) {
    int64_t stamp_ms = beat->stamp_ms, booted_ms = box.supply.booted_ms;
    if (booted_ms != NEVER && booted_ms <= stamp_ms && stamp_ms <= box.uptime_ms)
        box.heard_ms = larger(larger(box.heard_ms, 0), smaller(box.uptime_ms, stamp_ms + ECHO_CREDIT_MS));
    say_status();
}

static uint8_t asks(uint8_t phase) {
    switch (phase) {
    case PHASE_INTAKE: return TURN_ASKS_INTAKE;
    case PHASE_SEAL: return TURN_ASKS_SEAL;
    case PHASE_SCRUB: return TURN_ASKS_SCRUB;
    case PHASE_RECOVERY: return TURN_ASKS_RECOVERY;
    case PHASE_ISOLATED: return TURN_ASKS_ISOLATED;
    case PHASE_SECURED: return TURN_ASKS_SECURED;
    default: return TURN_NONE;
    }
}

static void turn_and_grant(uint8_t turn) {
    take(turn, CAUSE_NONE);
    say(MESSAGE_Granted);
    put_Granted(&reply, &(struct Granted){.phase = box.phase});
}

static void request(uint8_t phase) {
    uint8_t turn = asks(phase), barred = CAUSE_NONE;
    if (turn == TURN_NONE || !TURNS[box.phase][turn].listed) barred = CAUSE_NOT_NOW;
    else if (phase == PHASE_INTAKE) barred = link_request_barred();
    else if (in(DRIVE_PHASES, phase)) barred = drives_request_barred(phase);
    if (barred != CAUSE_NONE) refuse(MESSAGE_RequestPhase, barred);
    else turn_and_grant(turn);
}

static void cosign_request(const struct Cosign *request) {
    uint8_t cause = CAUSE_NONE;
    if (!in(COSIGNING, box.phase)) cause = CAUSE_NOT_NOW;
    else if (in_force() == NULL) cause = CAUSE_NO_POLICY;
    else if (box.rtc_s == RTC_LOST) cause = CAUSE_CLOCK_LOST;
    else cause = cosign(request);
    if (cause != CAUSE_NONE) refuse(MESSAGE_Cosign, cause);
}

static void event_read(int64_t after) {
    const struct Journal *log = &box.memory.journal;
    for (size_t i = 0; i < log->events_count; i++) {
        if (log->events[i].sequence <= after) continue;
        say(MESSAGE_Event);
        put_Event(&reply, &log->events[i]);
        return;
    }
    say(MESSAGE_NoEvent);
    put_NoEvent(&reply, &(struct NoEvent){.newest = log->newest});
}

void hear(uint8_t number, const union Message *m) {
    if (!box.senses.controller_supplied) {
        count_refusal(CAUSE_CONTROLLER_OFF, 1);
        return;
    }
    switch (number) {
    case MESSAGE_Hello: say_greeting(); break;
    case MESSAGE_Heartbeat: beat(&m->Heartbeat); break;
    case MESSAGE_RequestPhase: request(m->RequestPhase.phase); break;
    case MESSAGE_Done:
        if (m->Done.phase != box.phase || !TURNS[box.phase][TURN_DONE].listed) refuse(number, CAUSE_NOT_NOW);
        else turn_and_grant(TURN_DONE);
        break;
    case MESSAGE_Cosign: cosign_request(&m->Cosign); break;
    case MESSAGE_EventRead: event_read(m->EventRead.after); break;
    case MESSAGE_ChallengeRead: say_challenge(); break;
    case MESSAGE_AuthorityRead: say_authority(); break;
    case MESSAGE_UploadBegin:
    case MESSAGE_UploadChunk:
    case MESSAGE_UploadSignature:
    case MESSAGE_UploadCommit: upload(number, m); break;
    default:
        count_refusal(CAUSE_WIRE_NOT_FOR_ME, 1);
        say(MESSAGE_ErrorReply);
        put_ErrorReply(&reply, &(struct ErrorReply){.cause = CAUSE_WIRE_NOT_FOR_ME, .message_id = number});
    }
}

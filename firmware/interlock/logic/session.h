/* The interlock's end of the conversation (PROTOCOL 4): bytes in, messages to the step; payloads in, bytes out. */
#ifndef SESSION_H
#define SESSION_H
#include "tables.h"

void session_start(const uint8_t pairing_key[32], const uint8_t entropy[8]);
void session_send(uint8_t *payload, size_t bytes); /* nothing while there is nobody to talk to */
#endif

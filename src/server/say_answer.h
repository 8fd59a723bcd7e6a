/* The answer to a speech request, from the queue to the last byte: whole, in pieces, or as events.
 *
 * A stream begins with its first sound, so that whatever fails before that has a status of its own. Headers tell how
 * the sound was made: x-ishow-engine, -nfe, -seed, -queue-ms; -degraded when it is less than was asked for; -rtf and
 * -audio-ms when the answer is whole; -ignored for fields without effect. */
#ifndef ISHOW_SERVER_SAY_ANSWER_H
#define ISHOW_SERVER_SAY_ANSWER_H

#include "server/routes.h"
#include "server/say_order.h"

/* Queues the speech, and answers `r` now or later. What the order points to is not needed after the call. */
void say_answer(struct server *s, struct http_request *r, const struct say_order *order);

#endif

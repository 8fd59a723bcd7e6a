/* What the rules remember of a channel: who spoke last and when, what was said lately. Bounded; the oldest is
 * forgotten. */
#ifndef ISHOW_CHAT_RULES_MEMORY_H
#define ISHOW_CHAT_RULES_MEMORY_H

#include "chat/message.h"

#define MEMORY_USERS 4096 /* whose last time is kept */
#define MEMORY_TEXTS 512  /* that are kept to find equal ones */

struct rules_memory;
int rules_memory_create(struct rules_memory **ret); /* E_NOMEM */
void rules_memory_free(struct rules_memory *m);     /* accepts NULL */

/* Seconds since something of this user was let through; INFINITY when it is not known. */
double memory_user_age(const struct rules_memory *m, const char *user, double now);
void memory_user_spoke(struct rules_memory *m, const char *user, double now);

/* Was the last thing that was let through this user's, within `seconds`? */
int memory_is_burst(const struct rules_memory *m, const char *user, double now, double seconds);

/* The id of the message that first had a text with this hash within `seconds`, or NULL. */
const char *memory_find_text(const struct rules_memory *m, uint64_t hash, double now, double seconds);
void memory_keep_text(struct rules_memory *m, uint64_t hash, const char *id, double now);
void memory_forget_text(struct rules_memory *m, const char *id); /* it will not be heard after all */

#endif

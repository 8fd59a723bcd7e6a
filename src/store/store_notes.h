/* Small things that must survive the process, each a JSON text under a kind and a key: chats that are read, their
 * rules, paid messages until they are spoken.
 *
 * Every change is on the disk when the function returns 0. */
#ifndef ISHOW_STORE_STORE_NOTES_H
#define ISHOW_STORE_STORE_NOTES_H

#include "store/store.h"

#define STORE_NOTES_MAX 100000 /* of one kind */

/* Puts a value in the place of an earlier one; NULL removes it. E_LIMIT when there are too many. */
int store_note_put(struct store *s, const char *kind, const char *key, const char *value, struct error *err);

/* All of a kind in the order in which they were first put. Strings live as long as the call; a non-zero ends it and
 * comes back. */
int store_notes_each(struct store *s, const char *kind,
                     int (*fn)(void *user, const char *key, const char *value, struct error *err), void *user,
                     struct error *err);

#endif

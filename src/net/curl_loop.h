/* libcurl's multi interface on the event loop: it says which sockets and what time to wait for, the loop waits. */
#ifndef ISHOW_NET_CURL_LOOP_H
#define ISHOW_NET_CURL_LOOP_H

#include "net/loop.h"

#include <curl/curl.h>

struct curl_loop;

/* `on_done` is called for each transfer that has ended, whichever way; it may add and remove transfers, but not free
 * the curl_loop. */
int curl_loop_create(struct loop *l, void (*on_done)(void *user, CURL *easy, CURLcode result), void *user,
                     struct curl_loop **ret, struct error *err);
void curl_loop_free(struct curl_loop *c); /* after its transfers were removed; accepts NULL */
CURLM *curl_loop_multi(struct curl_loop *c);

/* Options that every transfer here has: no signals, no delays, certificates where the user keeps them. 0, or non-zero
 * when memory has run out. */
int curl_set_common(CURL *easy);

/* A few fixed words for what went wrong: "no such host", "timed out". */
const char *curl_words(CURLcode code);

#endif

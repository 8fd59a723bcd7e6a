/* An HTTP server in a thread of the test, and a client that speaks raw bytes to it.
 *
 * Routes: /hello; /echo gives the body back; /target says path and query; /later answers after a moment; /never never;
 * /stream?n=5 sends n pieces, /endless as many as the client takes; /big is BIG_BYTES at once; /refused is answered
 * with 401 in on_head; /upload takes UPLOAD_MAX bytes. */
#ifndef ISHOW_TESTS_HTTP_TEST_SERVER_H
#define ISHOW_TESTS_HTTP_TEST_SERVER_H

#include "test.h"

#include "net/http_server.h"

#include <pthread.h>
#include <stdatomic.h>

#define BIG_BYTES  (8u << 20)
#define UPLOAD_MAX (4u << 20)
#define PATIENCE   10.0 /* seconds until a test gives up */

struct test_server {
    struct loop *loop;
    struct http_server *http;
    pthread_t thread;
    int port;
    atomic_int begun, gone, done, aborted;   /* requests */
    atomic_int drained;
    atomic_int status;                       /* of the last that was done */
    atomic_size_t written;                   /* bytes into /endless */
};

/* `params` may be NULL; its callbacks are not used. `address` NULL: a port of 127.0.0.1. */
void server_start(struct test_server *t, const struct http_server_params *params, const char *address,
                  const char *certificate, const char *key);
void server_stop(struct test_server *t);
double server_cpu(struct test_server *t); /* seconds that its thread has used */

/* Runs fn(t) on the server's thread and waits for it. */
void server_call(struct test_server *t, void (*fn)(struct test_server *t));

int client_open(const struct test_server *t);
void client_send(int fd, const char *text);
void client_send_bytes(int fd, const void *data, size_t n);
/* What comes until the server closes, '\0' after it; free it. NULL when it does not close in time. */
char *client_read_all(int fd, size_t *ret_len);
/* What comes until `text` has come, into `to`; fails the test when it does not. */
void client_expect(int fd, const char *text, char *to, size_t size);
/* Opens, sends, reads until the server closes, closes. */
char *client_talk(const struct test_server *t, const char *text);
int client_is_closed(int fd); /* within PATIENCE; what comes before is thrown away */

/* Waits until *value is at least `want`; fails the test when it does not come to that. */
void wait_for(atomic_int *value, int want);

#endif

/* A configuration from strangers, with a variable of the environment on its first line: whatever is accepted is within
 * its limits, and what describes it is accepted again and describes the same. */
#include "server/auth.h"
#include "config/host_name.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_warning(void *user, const char *sentence)
{
    (void)user;
    if (!*sentence || strlen(sentence) >= ERROR_TEXT_MAX)
        abort();
}

static void check(const struct config *c)
{
    struct host_name host;
    for (size_t i = 0; i < c->server.bind.count; i++)
        if (strncmp(c->server.bind.items[i], "unix:", 5) != 0 && host_parse(c->server.bind.items[i], &host))
            abort();
    for (size_t i = 0; i < c->auth.count; i++)
        if (!c->auth.items[i].name || c->auth.items[i].token || (c->auth.items[i].scopes & ~(unsigned)MAY_ALL))
            abort();
    for (size_t i = 0; i < c->f5.voice_count; i++)
        if (!config_find_voice(c, c->f5.voices[i].id) || !c->f5.voices[i].reference_audio)
            abort();
    for (size_t i = 1; i < c->queue.ladder_count; i++)
        if (c->queue.ladder[i].depth <= c->queue.ladder[i - 1].depth)
            abort();
    if (!c->server.bind.count || !c->data_dir || c->queue.capacity < 1 || c->server.idle_timeout < 1 ||
        c->f5.default_nfe_step < 1)
        abort();
}

/* Tokens are described without what makes them tokens; without them it must come full circle. */
static void describe_again(const struct config *c)
{
    struct buf first = BUF_INIT, second = BUF_INIT;
    struct config *again = NULL;
    if (config_describe(c, &first))
        abort();
    if (c->auth.count == 0 && c->shimmy.extra_model_count == 0) {
        if (config_parse(first.ptr, first.len, "/f/x.toml", NULL, NULL, &again, NULL, NULL, NULL) ||
            config_describe(again, &second) || strcmp(first.ptr, second.ptr) != 0)
            abort();
        config_free(again);
    }
    buf_release(&first);
    buf_release(&second);
}

/* A request with strings of the input: never let in as somebody without a token of the configuration. */
static void ask(const struct config *c, const char *text)
{
    struct auth_limiter limiter = {0};
    const struct auth_request r = {.method = "POST", .peer = text, .host = text, .origin = text, .authorization = text,
                                   .needs = MAY_MANAGE};
    struct auth_verdict v = auth_check(c, &limiter, &r, 1);
    char address[AUTH_ADDRESS_MAX];
    if (v.status == 0 && !auth_origin_allowed(c, text, text))
        abort();
    auth_client_address(c, "10.0.0.1", text, address);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > INPUT_MAX)
        return 0;
    char *text = malloc(size + 1), *env[2] = {text, NULL};
    struct config *c = NULL;
    struct error err = {0};
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    char *rest = memchr(text, '\n', size);
    size_t skip = rest ? (size_t)(rest - text) + 1 : size;
    if (rest)
        *rest = '\0';
    if (config_parse(text + skip, size - skip, "/f/x.toml", env, NULL, &c, on_warning, NULL, &err)) {
        if (!err.code || !*err.text)
            abort();
    } else {
        check(c);
        describe_again(c);
        ask(c, text);
        config_free(c);
    }
    free(text);
    return 0;
}

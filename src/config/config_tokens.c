/* Tokens of the configuration into digests, so that the tokens themselves need not be kept. See config_check.h. */
#include "config/config_check.h"

#include "base/file.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct {
    const char *name;
    unsigned bit;
} scopes[] = {{"read", MAY_READ}, {"speak", MAY_SPEAK}, {"manage", MAY_MANAGE}};

static int read_scopes(struct config_reader *r, struct config_token *t)
{
    for (size_t i = 0; i < t->scope_names.count; i++) {
        unsigned bit = 0;
        for (size_t j = 0; j < sizeof scopes / sizeof *scopes; j++)
            if (strcmp(scopes[j].name, t->scope_names.items[i]) == 0)
                bit = scopes[j].bit;
        if (!bit)
            return config_fail(r, 0, 0, "the token \"%s\": expected scopes out of read, speak, manage, found \"%s\"",
                               t->name, t->scope_names.items[i]);
        t->scopes |= bit;
    }
    return 0;
}

static int take_token(struct config_reader *r, struct config_token *t, const char *token, size_t n)
{
    if (n < CONFIG_TOKEN_LEAST || n > CONFIG_TOKEN_MOST)
        return config_fail(r, 0, 0,
                           "the token \"%s\": expected %d to %d characters, found %zu; `openssl rand -hex 32` "
                           "makes a good one",
                           t->name, CONFIG_TOKEN_LEAST, CONFIG_TOKEN_MOST, n);
    for (size_t i = 0; i < n; i++)
        if (token[i] <= ' ' || token[i] > '~')
            return config_fail(r, 0, 0,
                               "the token \"%s\": expected letters, digits and signs of ASCII without spaces, "
                               "found another character at %zu",
                               t->name, i + 1);
    SHA256((const unsigned char *)token, n, t->digest);
    return 0;
}

static int read_token_file(struct config_reader *r, struct config_token *t)
{
    struct buf text = BUF_INIT;
    struct stat st;
    int rc = file_read(t->token_file, 2 * CONFIG_TOKEN_MOST, &text, r->err);
    if (rc) {
        error_prefix(r->err, "the token \"%s\"", t->name);
    } else {
        if (stat(t->token_file, &st) == 0 && (st.st_mode & 07))
            config_warn(r, 0, 0, "%s: everybody on this machine may read this token; `chmod o= %s` mends that",
                        t->token_file, t->token_file);
        while (text.len && strchr("\r\n \t", text.ptr[text.len - 1]))
            text.len--;
        rc = take_token(r, t, text.ptr, text.len);
        OPENSSL_cleanse(text.ptr, text.cap);
    }
    buf_release(&text);
    return rc;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static int read_digest(struct config_reader *r, struct config_token *t)
{
    size_t n = strlen(t->sha256);
    for (size_t i = 0; i < n; i++)
        if (n != 2 * CONFIG_DIGEST || hex_digit(t->sha256[i]) < 0)
            return config_fail(r, 0, 0,
                               "the token \"%s\": expected 64 hexadecimal digits as its sha256, as "
                               "`printf %%s TOKEN | sha256sum` prints them",
                               t->name);
    for (size_t i = 0; i < CONFIG_DIGEST; i++)
        t->digest[i] = (unsigned char)(hex_digit(t->sha256[2 * i]) << 4 | hex_digit(t->sha256[2 * i + 1]));
    return 0;
}

static int finish_token(struct config_reader *r, struct config_token *t)
{
    int rc = read_scopes(r, t);
    if (rc)
        return rc;
    if (!!t->token + !!t->token_file + !!t->sha256 != 1)
        return config_fail(r, 0, 0, "the token \"%s\": expected one of token, token_file and sha256", t->name);
    if (t->sha256)
        return read_digest(r, t);
    return t->token ? take_token(r, t, t->token, strlen(t->token)) : 0;
}

static void forget(const char **token)
{
    if (*token)
        OPENSSL_cleanse((char *)*token, strlen(*token));
    *token = NULL;
}

/* auth.token and auth.token_file become one token more. */
static int add_single(struct config_reader *r)
{
    static const char *const all[] = {"read", "speak", "manage"};
    struct config *c = r->config;
    if (!c->auth.token && !c->auth.token_file)
        return 0;
    if (c->auth.token && c->auth.token_file)
        return config_fail(r, 0, 0, "auth: expected one of token and token_file, found both");
    struct config_token *items = arena_alloc(r->arena, (c->auth.count + 1) * sizeof *items);
    if (!items)
        return error_nomem(r->err);
    if (c->auth.count)
        memcpy(items, c->auth.items, c->auth.count * sizeof *items);
    items[c->auth.count] = (struct config_token){.name = "default",
                                                 .token = c->auth.token,
                                                 .token_file = c->auth.token_file,
                                                 .scope_names = {all, sizeof all / sizeof *all}};
    c->auth.items = items;
    c->auth.count++;
    c->auth.token = NULL;
    c->auth.token_file = NULL;
    return 0;
}

int config_finish_tokens(struct config_reader *r)
{
    struct config *c = r->config;
    int rc = add_single(r);
    for (size_t i = 0; i < c->auth.count && !rc; i++) {
        struct config_token *t = &c->auth.items[i];
        if (!t->name)
            return config_fail(r, 0, 0, "auth.tokens: token %zu has no name, by which the log would call it", i + 1);
        for (size_t j = 0; j < i; j++)
            if (strcmp(t->name, c->auth.items[j].name) == 0)
                return config_fail(r, 0, 0, "auth.tokens: two are called \"%s\"", t->name);
        rc = finish_token(r, t);
    }
    for (size_t i = 0; i < c->auth.count; i++)
        forget(&c->auth.items[i].token);
    return rc;
}

int config_read_token_files(struct config_reader *r)
{
    int rc = 0;
    for (size_t i = 0; i < r->config->auth.count && !rc; i++)
        if (r->config->auth.items[i].token_file)
            rc = read_token_file(r, &r->config->auth.items[i]);
    return rc;
}

/* See config_check.h. */
#include "config/config_check.h"

#include "config/host_name.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define UNIX_PREFIX         "unix:"
#define UNIX_PATH_MAX_BYTES 107 /* of struct sockaddr_un */

/* -------- where to listen -------- */

static int check_bind(struct config_reader *r, const char **address)
{
    struct host_name host;
    if (strncmp(*address, UNIX_PREFIX, sizeof UNIX_PREFIX - 1) == 0) {
        const char *path = config_rebase(r->arena, r->folder, *address + sizeof UNIX_PREFIX - 1);
        char *whole = path ? arena_alloc(r->arena, strlen(path) + sizeof UNIX_PREFIX) : NULL;
        if (!whole)
            return error_nomem(r->err);
        if (!(*address)[sizeof UNIX_PREFIX - 1] || strlen(path) > UNIX_PATH_MAX_BYTES)
            return config_fail(r, 0, 0, "server.bind: expected \"unix:\" and a path of at most %d bytes",
                               UNIX_PATH_MAX_BYTES);
        strcat(strcpy(whole, UNIX_PREFIX), path);
        *address = whole;
        return 0;
    }
    if (host_parse(*address, &host) || host.port < 0)
        return config_fail(r, 0, 0,
                           "server.bind: expected an address with a port, such as \"127.0.0.1:27121\", "
                           "\"[::1]:27121\" or \"unix:/run/ishowtts.sock\", found \"%s\"",
                           *address);
    return 0;
}

static int finish_bind(struct config_reader *r)
{
    struct config *c = r->config;
    struct config_texts from = c->server.bind;
    if (c->bind_addr && config_given(r, "server.bind"))
        config_warn(r, 0, 0, "bind_addr has no effect: server.bind says where to listen");
    else if (c->bind_addr)
        from = (struct config_texts){&c->bind_addr, 1};
    if (!from.count)
        return config_fail(r, 0, 0, "server.bind: expected one address at least, found none");
    const char **items = arena_alloc(r->arena, from.count * sizeof *items);
    if (!items)
        return error_nomem(r->err);
    for (size_t i = 0; i < from.count; i++) {
        items[i] = from.items[i];
        int rc = check_bind(r, &items[i]);
        if (rc)
            return rc;
    }
    c->server.bind = (struct config_texts){items, from.count};
    c->bind_addr = NULL;
    return 0;
}

/* -------- who may come -------- */

static int check_neighbours(struct config_reader *r)
{
    const struct config *c = r->config;
    struct host_name host;
    int secure;
    for (size_t i = 0; i < c->server.cors_origins.count; i++)
        if (host_parse_origin(c->server.cors_origins.items[i], &host, &secure))
            return config_fail(
                r, 0, 0,
                "server.cors_origins: expected an origin such as \"https://example.org\", "
                "found \"%.200s\"%s",
                c->server.cors_origins.items[i],
                strcmp(c->server.cors_origins.items[i], "*") == 0 ? ", which would let every page on the web in" : "");
    for (size_t i = 0; i < c->server.allowed_hosts.count; i++)
        if (host_parse(c->server.allowed_hosts.items[i], &host) || host.port >= 0)
            return config_fail(r, 0, 0,
                               "server.allowed_hosts: expected a name without a port, such as "
                               "\"tts.example.org\", found \"%.200s\"",
                               c->server.allowed_hosts.items[i]);
    for (size_t i = 0; i < c->server.trusted_proxies.count; i++)
        if (strcmp(c->server.trusted_proxies.items[i], "unix") != 0 &&
            host_in_range("::", c->server.trusted_proxies.items[i]) < 0)
            return config_fail(
                r, 0, 0,
                "server.trusted_proxies: expected an address, a range such as \"10.0.0.0/8\", or \"unix\", "
                "found \"%.200s\"",
                c->server.trusted_proxies.items[i]);
    if (!c->server.tls_certificate != !c->server.tls_key)
        return config_fail(r, 0, 0, "server.%s is given without server.%s; TLS needs both",
                           c->server.tls_key ? "tls_key" : "tls_certificate",
                           c->server.tls_key ? "tls_certificate" : "tls_key");
    return 0;
}

/* -------- the model -------- */

static void finish_model(struct config_reader *r)
{
    static const struct {
        const char *original, *name;
        ishow_arch arch;
    } models[] = {{"F5TTS_v1_Base", "f5", ISHOW_ARCH_V1},
                  {"F5TTS_v1_Small", NULL, ISHOW_ARCH_V1},
                  {"F5TTS_Base", "f5-v0", ISHOW_ARCH_V0},
                  {"F5TTS_Small", NULL, ISHOW_ARCH_V0}};
    struct config *c = r->config;
    if (c->speech.model)
        return;
    c->speech.model = c->f5.ckpt_file;
    size_t n = sizeof models / sizeof *models, i = 0;
    if (c->f5.model) {
        while (i < n && strcmp(models[i].original, c->f5.model) != 0)
            i++;
        if (i < n && c->f5.ckpt_file)
            c->speech.arch = models[i].arch;
        else if (i < n && models[i].name)
            c->speech.model = models[i].name;
        else if (!c->f5.ckpt_file)
            config_warn(r, 0, 0,
                        "f5.model: \"%.100s\" has no files that this program knows, and there is no "
                        "f5.ckpt_file; the best model installed is taken",
                        c->f5.model);
    }
    if (!c->speech.vocab)
        c->speech.vocab = c->f5.vocab_file;
    if (!c->speech.vocoder)
        c->speech.vocoder = c->f5.vocoder_local_path;
}

/* -------- voices -------- */

const struct config_voice *config_find_voice(const struct config *c, const char *id)
{
    for (size_t i = 0; i < c->f5.voice_count; i++)
        if (strcmp(c->f5.voices[i].id, id) == 0)
            return &c->f5.voices[i];
    return NULL;
}

static int compare_ids(const void *a, const void *b)
{
    const struct config_voice *const *x = a, *const *y = b;
    int order = strcmp((*x)->id, (*y)->id);
    return order ? order : (*x)->line - (*y)->line;
}

static int check_unique(struct config_reader *r)
{
    const struct config *c = r->config;
    size_t n = c->f5.voice_count;
    const struct config_voice **sorted = malloc((n + 1) * sizeof *sorted);
    int rc = 0;
    if (!sorted)
        return error_nomem(r->err);
    for (size_t i = 0; i < n; i++)
        sorted[i] = &c->f5.voices[i];
    qsort(sorted, n, sizeof *sorted, compare_ids);
    for (size_t i = 1; i < n && !rc; i++)
        if (strcmp(sorted[i - 1]->id, sorted[i]->id) == 0)
            rc = config_fail(r, sorted[i]->line, 1, "the voice \"%s\" is there already, on line %d", sorted[i]->id,
                             sorted[i - 1]->line);
    free(sorted);
    return rc;
}

static int finish_voices(struct config_reader *r)
{
    struct config *c = r->config;
    for (size_t i = 0; i < c->f5.voice_count; i++) {
        const struct config_voice *v = &c->f5.voices[i];
        if (!v->id)
            return config_fail(r, v->line, 1, "this voice has no id, by which to ask for it");
        if (strlen(v->id) > CONFIG_VOICE_ID_MAX)
            return config_fail(r, v->line, 1, "a voice's id: expected at most %d bytes, found %zu", CONFIG_VOICE_ID_MAX,
                               strlen(v->id));
        if (strcmp(v->id, VOICE_BUILTIN) == 0)
            return config_fail(r, v->line, 1, "\"%s\" is the voice that needs no model; another id is wanted", v->id);
        if (!v->reference_audio)
            return config_fail(r, v->line, 1, "the voice \"%s\" has no reference_audio", v->id);
        if (!v->reference_text)
            config_warn(r, v->line, 1,
                        "the voice \"%s\" has no reference_text: it cannot speak until it is given the words "
                        "of its clip",
                        v->id);
    }
    int rc = check_unique(r);
    if (rc)
        return rc;
    if (c->default_voice && c->f5.voice_count && !config_find_voice(c, c->default_voice))
        config_warn(r, 0, 0, "default_voice: \"%.100s\" is none of [[f5.voices]]", c->default_voice);
    if (!c->default_voice && c->f5.voice_count)
        c->default_voice = c->f5.voices[0].id;
    return 0;
}

/* -------- the rest -------- */

static int check_ladder(struct config_reader *r)
{
    const struct config *c = r->config;
    for (size_t i = 0; i < c->queue.ladder_count; i++) {
        const struct config_rung *rung = &c->queue.ladder[i];
        if (!rung->depth || !rung->nfe)
            return config_fail(r, 0, 0, "queue.ladder: rung %zu needs both depth and nfe", i + 1);
        if (i && (rung->depth <= rung[-1].depth || rung->nfe >= rung[-1].nfe))
            return config_fail(r, 0, 0,
                               "queue.ladder: expected each rung at a greater depth and with a smaller nfe than "
                               "the one before, found depth %d, nfe %d after depth %d, nfe %d",
                               rung->depth, rung->nfe, rung[-1].depth, rung[-1].nfe);
    }
    return 0;
}

/* $STATE_DIRECTORY as systemd gives it, else where XDG puts data. */
static int finish_data_dir(struct config_reader *r)
{
    const char *state = getenv("STATE_DIRECTORY"), *xdg = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    if (r->config->data_dir)
        return 0;
    if (state && *state)
        r->config->data_dir = arena_strndup(r->arena, state, strcspn(state, ":"));
    else if (xdg && *xdg)
        r->config->data_dir = config_rebase(r->arena, xdg, "ishowtts");
    else if (home && *home)
        r->config->data_dir = config_rebase(r->arena, home, ".local/share/ishowtts");
    else
        r->config->data_dir = "/var/lib/ishowtts";
    return r->config->data_dir ? 0 : error_nomem(r->err);
}

int config_finish(struct config_reader *r)
{
    int rc;
    finish_model(r);
    if ((rc = finish_bind(r)) || (rc = check_neighbours(r)) || (rc = config_finish_tokens(r)) ||
        (rc = finish_voices(r)) || (rc = check_ladder(r)) || (rc = finish_data_dir(r)))
        return rc;
    return 0;
}

int config_check_files(struct config_reader *r)
{
    const struct config *c = r->config;
    const char *const pair[] = {c->server.tls_certificate, c->server.tls_key};
    for (size_t i = 0; i < 2; i++)
        if (pair[i] && access(pair[i], R_OK))
            return error_errno(r->err, errno, "%s: server.%s: %s", r->file, i ? "tls_key" : "tls_certificate", pair[i]);
    for (size_t i = 0; i < c->f5.voice_count; i++) {
        const struct config_voice *v = &c->f5.voices[i];
        if (access(v->reference_audio, R_OK))
            config_warn(r, v->line, 1, "the voice \"%s\" cannot speak: %s: %s", v->id, v->reference_audio,
                        strerror(errno));
    }
    return 0;
}

/* What the operator has written down: the configuration file, the environment, the command line, in that order.
 *
 * A configuration is read as a whole, checked as a whole, and never changes afterwards. Who needs it for longer than a
 * call holds a reference, so that a reload can put a new one in its place while requests still finish under the old.
 * config_schema.c lists every key with its type, limits and default; config/ishowtts.toml explains each.
 *
 *     struct config *c;
 *     if (config_load(path, NULL, &c, on_warning, user, err)) ...
 *     struct config *mine = config_ref(c);
 *     config_free(mine);
 *     config_free(c);
 *
 * Paths in a file are from the file's own folder; here they are complete. Strings belong to the configuration; one that
 * was not given and has no default is NULL. */
#ifndef ISHOW_CONFIG_CONFIG_H
#define ISHOW_CONFIG_CONFIG_H

#include "base/buf.h"
#include "base/error.h"
#include "ishowtts.h"

#include <stdint.h>

#define CONFIG_TEXT_MAX     4096 /* bytes of one text */
#define CONFIG_LIST_MAX     1024 /* items of a list of texts */
#define CONFIG_TABLES_MAX   4096 /* voices, tokens, rungs */
#define CONFIG_TOKEN_LEAST  16   /* characters: fewer can be guessed */
#define CONFIG_TOKEN_MOST   512
#define CONFIG_VOICE_ID_MAX 64 /* bytes */
#define VOICE_BUILTIN       "builtin" /* the voice that needs no model: no other is called so */
#define CONFIG_DIGEST       32 /* bytes of a SHA-256 */
#define CONFIG_WARNINGS_MAX 50 /* told one by one; then only their number */

struct config_texts {
    const char *const *items;
    size_t count;
};

/* What a token may do. */
enum config_scope { MAY_READ = 1, MAY_SPEAK = 2, MAY_MANAGE = 4, MAY_ALL = 7 };

struct config_token {
    const char *name;                        /* in the log; never the token */
    const char *token, *token_file, *sha256; /* as written; `token` is NULL from the load on */
    struct config_texts scope_names;
    unsigned scopes;                     /* of enum config_scope */
    unsigned char digest[CONFIG_DIGEST]; /* SHA-256 of the token */
};

struct config_voice {
    const char *id, *reference_audio;
    const char *reference_text;          /* or NULL */
    const char *language, *engine_label; /* or NULL */
    int preload;
    int line; /* of the file */
};

struct config_rung {
    int depth; /* from so many waiting requests on ... */
    int nfe;   /* ... no more than so many evaluations */
};

struct config_shimmy_model {
    const char *name;
};

struct config {
    const char *path;          /* of the file; NULL when there was none */
    const char *bind_addr;     /* the original's key, moved to server.bind: always NULL */
    const char *default_voice; /* the file's, else its first voice; NULL: there is none */
    const char *data_dir;      /* never NULL */

    struct {
        struct config_texts
            bind;       /* "127.0.0.1:27121", "[::1]:27121", "localhost:0", "unix:/run/x.sock"; one at least */
        int reuse_port; /* 1: another server may listen on the same addresses */
        const char *tls_certificate, *tls_key;                             /* both or neither */
        double drain_timeout, idle_timeout, head_timeout, request_timeout; /* seconds */
        int64_t header_max, body_max, upload_max;                          /* bytes */
        int connections_max, connections_per_address;
        struct config_texts cors_origins, allowed_hosts, trusted_proxies;
    } server;

    struct {
        const char *token, *token_file; /* one with all scopes, moved to `items`: always NULL */
        struct config_token *items;
        size_t count;
    } auth;

    struct {
        int capacity, per_client;
        int batch_max;
        double batch_window_ms;
        struct config_rung *ladder; /* deeper and deeper, fewer and fewer */
        size_t ladder_count;
    } queue;

    struct {
        const char *engine;                  /* "auto", "f5", "builtin" */
        const char *model, *vocab, *vocoder; /* for ishow_open_params; NULL: its own default */
        ishow_arch arch;
        const char *precision;
        int threads;           /* of one worker; 0: the CPUs divided among the workers */
        int workers;           /* engines; 0: as many as pay */
        int fallback;          /* 1: the built-in voice speaks when the model cannot */
        int first_chunk_chars; /* 0: no shorter than others */
        int retries;
        const char *default_format; /* "wav", "mp3", ... */
    } speech;

    struct {
        int enabled, keep;
        int64_t max_bytes;
    } history;

    struct {
        int format, level; /* of base/log.h */
        int access;
    } log;

    struct {
        int max_parallel; /* engines at most; 0: as speech.workers says */
    } api;

    struct {
        const char *model, *ckpt_file, *vocab_file, *vocoder_local_path; /* `speech` has their effect */
        const char *hf_cache_dir;
        int default_nfe_step;
        struct config_voice *voices;
        size_t voice_count;
    } f5;

    struct {
        const char *model_name;
        struct config_shimmy_model *extra_models;
        size_t extra_model_count;
    } shimmy;

    struct {
        struct {
            int enabled;
            const char *bot_username, *oauth_token;
            struct config_texts channels;
            const char *url; /* in place of Twitch's own */
        } twitch;
        struct {
            int enabled;
            const char *api_key, *channel_id;
            struct config_texts channels;
            const char *url;
            int quota; /* units a day */
        } youtube;
        struct {
            int enabled;
            const char *app_id, *access_key_id, *access_key_secret, *code, *room, *url;
        } bilibili;
        const char *proxy;    /* of all of them; NULL: none */
        double ageing, flood; /* seconds: live/live.h */
    } danmaku;

    struct {
        int capacity;
        double rate_limit_per_sec;
        int max_words, max_chars;
        struct config_texts banned_keywords;
        int allow_links;
        const char *voice_id;
    } gateway; /* [danmaku_gateway.*] */
};

/* Called with a sentence about what is odd but no reason to stop: "x.toml: line 3, column 1: unknown key ...". */
typedef void (*config_warning_fn)(void *user, const char *sentence);

/* A key set from the command line. A list may be written "a,b". */
struct config_setting {
    const char *key; /* "log.level" */
    const char *value;
    const char *origin; /* how messages call it: "--log-level" */
};

/* Reads `path`; NULL: config_default_path(), which need not exist. Then come the environment, ISHOWTTS__section__key,
 * and `settings` (NULL, or up to one whose key is NULL). E_NOTFOUND: no such file; E_FORMAT, E_LIMIT: a sentence with
 * line and column. Nothing secret is in any sentence. `on_warning` may be NULL. */
int config_load(const char *path, const struct config_setting *settings, struct config **ret,
                config_warning_fn on_warning, void *user, struct error *err);

/* The same from text[0, len) as if it stood in a file called `path`; `env` is NULL or a list as environ(7). No file is
 * opened: the digests of tokens in files are zero. */
int config_parse(const char *text, size_t len, const char *path, char *const *env,
                 const struct config_setting *settings, struct config **ret, config_warning_fn on_warning, void *user,
                 struct error *err);

struct config *config_ref(struct config *c); /* from any thread */
void config_free(struct config *c);          /* gives one reference back, from any thread; accepts NULL */

/* $XDG_CONFIG_HOME/ishowtts/ishowtts.toml, else ~/.config/ishowtts/ishowtts.toml, malloc'd; NULL without a home, or
 * without memory. */
char *config_default_path(void);

const struct config_voice *config_find_voice(const struct config *c, const char *id); /* NULL if there is none */

/* Appends all that is in force, as TOML; secrets only as a remark that they are there. 0 or E_NOMEM. */
int config_describe(const struct config *c, struct buf *out);

/* Calls fn(user, key) for each key that differs but cannot change while the server runs. */
void config_need_restart(const struct config *old, const struct config *fresh, void (*fn)(void *user, const char *key),
                         void *user);

#endif

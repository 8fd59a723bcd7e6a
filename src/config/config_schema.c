/* See config_schema.h. The order is that of config/ishowtts.toml, which explains what each key is good for. */
#include "config/config_schema.h"

#include "base/spelling.h"

#include <string.h>

#define AT(member)            .offset = offsetof(struct config, member)
#define IN(item, member)      .offset = offsetof(struct item, member)
#define RANGE(low, high, of)  .least = (low), .most = (high), .unit = (of)
#define LIST(member, count, item) \
    AT(member), .item_size = sizeof(struct item), .count_offset = offsetof(struct config, count)

#define KIB(n) ((n)*1024.0)
#define MIB(n) ((n)*1048576.0)

const struct config_key config_keys[] = {
    /* the original's top level */
    {"bind_addr", CONFIG_TEXT, AT(bind_addr)},
    {"default_voice", CONFIG_TEXT, AT(default_voice)},
    {"data_dir", CONFIG_PATH, AT(data_dir), .flags = CONFIG_AT_START},

    {"server.bind", CONFIG_TEXTS, AT(server.bind), .standard = "['127.0.0.1:27121']", .flags = CONFIG_AT_START},
    {"server.reuse_port", CONFIG_BOOL, AT(server.reuse_port), .standard = "false", .flags = CONFIG_AT_START},
    {"server.tls_certificate", CONFIG_PATH, AT(server.tls_certificate)},
    {"server.tls_key", CONFIG_PATH, AT(server.tls_key)},
    {"server.drain_timeout", CONFIG_REAL, AT(server.drain_timeout), RANGE(0, 3600, "seconds"), .standard = "30"},
    {"server.idle_timeout", CONFIG_REAL, AT(server.idle_timeout), RANGE(1, 3600, "seconds"), .standard = "60"},
    {"server.head_timeout", CONFIG_REAL, AT(server.head_timeout), RANGE(1, 600, "seconds"), .standard = "10"},
    {"server.request_timeout", CONFIG_REAL, AT(server.request_timeout), RANGE(0.1, 3600, "seconds"), .standard = "60"},
    {"server.header_max", CONFIG_BYTES, AT(server.header_max), RANGE(KIB(1), MIB(1), "bytes"), .standard = "16384"},
    {"server.body_max", CONFIG_BYTES, AT(server.body_max), RANGE(KIB(1), MIB(64), "bytes"), .standard = "1048576"},
    {"server.upload_max", CONFIG_BYTES, AT(server.upload_max), RANGE(KIB(1), MIB(10), "bytes"),
     .standard = "10485760"},
    {"server.connections_max", CONFIG_INT, AT(server.connections_max), RANGE(1, 100000, "connections"),
     .standard = "4096"},
    {"server.connections_per_address", CONFIG_INT, AT(server.connections_per_address), RANGE(1, 100000, "connections"),
     .standard = "256"},
    {"server.cors_origins", CONFIG_TEXTS, AT(server.cors_origins)},
    {"server.allowed_hosts", CONFIG_TEXTS, AT(server.allowed_hosts)},
    {"server.trusted_proxies", CONFIG_TEXTS, AT(server.trusted_proxies)},

    {"auth.token", CONFIG_TEXT, AT(auth.token), .flags = CONFIG_SECRET},
    {"auth.token_file", CONFIG_PATH, AT(auth.token_file)},
    {"auth.tokens", CONFIG_TABLES, LIST(auth.items, auth.count, config_token)},
    {"auth.tokens[].name", CONFIG_TEXT, IN(config_token, name)},
    {"auth.tokens[].token", CONFIG_TEXT, IN(config_token, token), .flags = CONFIG_SECRET},
    {"auth.tokens[].token_file", CONFIG_PATH, IN(config_token, token_file)},
    {"auth.tokens[].sha256", CONFIG_TEXT, IN(config_token, sha256), .flags = CONFIG_SECRET},
    {"auth.tokens[].scopes", CONFIG_TEXTS, IN(config_token, scope_names), .standard = "['speak', 'read']"},

    {"api.max_parallel", CONFIG_INT, AT(api.max_parallel), RANGE(0, 64, "engines")},

    {"queue.capacity", CONFIG_INT, AT(queue.capacity), RANGE(1, 10000, "requests"), .standard = "64"},
    {"queue.per_client", CONFIG_INT, AT(queue.per_client), RANGE(1, 10000, "requests"), .standard = "32"},
    {"queue.batch_max", CONFIG_INT, AT(queue.batch_max), RANGE(1, 64, "requests"), .standard = "1"},
    {"queue.batch_window_ms", CONFIG_REAL, AT(queue.batch_window_ms), RANGE(0, 1000, "milliseconds"),
     .standard = "0"},
    {"queue.ladder", CONFIG_TABLES, LIST(queue.ladder, queue.ladder_count, config_rung),
     .standard = "[{depth = 8, nfe = 6}, {depth = 16, nfe = 5}, {depth = 32, nfe = 4}]"},
    {"queue.ladder[].depth", CONFIG_INT, IN(config_rung, depth), RANGE(1, 10000, "requests")},
    {"queue.ladder[].nfe", CONFIG_INT, IN(config_rung, nfe), RANGE(1, ISHOW_NFE_MAX, "evaluations")},

    {"speech.engine", CONFIG_TEXT, AT(speech.engine), .choices = "auto|f5|builtin", .standard = "'auto'",
     .flags = CONFIG_AT_START},
    {"speech.model", CONFIG_MODEL, AT(speech.model), .flags = CONFIG_AT_START},
    {"speech.vocab", CONFIG_PATH, AT(speech.vocab), .flags = CONFIG_AT_START},
    {"speech.vocoder", CONFIG_PATH, AT(speech.vocoder), .flags = CONFIG_AT_START},
    {"speech.precision", CONFIG_TEXT, AT(speech.precision), .standard = "'auto'", .flags = CONFIG_AT_START},
    {"speech.threads", CONFIG_INT, AT(speech.threads), RANGE(0, 256, "threads"), .standard = "0",
     .flags = CONFIG_AT_START},
    {"speech.workers", CONFIG_INT, AT(speech.workers), RANGE(0, 64, "engines"), .standard = "0",
     .flags = CONFIG_AT_START},
    {"speech.fallback", CONFIG_BOOL, AT(speech.fallback), .standard = "true"},
    {"speech.first_chunk_chars", CONFIG_INT, AT(speech.first_chunk_chars), RANGE(0, 1000, "characters"),
     .standard = "60"},
    {"speech.retries", CONFIG_INT, AT(speech.retries), RANGE(0, 5, "attempts"), .standard = "1"},
    {"speech.default_format", CONFIG_TEXT, AT(speech.default_format), .choices = "mp3|opus|flac|wav|pcm|ogg",
     .standard = "'mp3'"},

    {"history.enabled", CONFIG_BOOL, AT(history.enabled), .standard = "true"},
    {"history.keep", CONFIG_INT, AT(history.keep), RANGE(0, 1000000, "generations"), .standard = "500",
     .flags = CONFIG_AT_START},
    {"history.max_bytes", CONFIG_BYTES, AT(history.max_bytes), RANGE(0, MIB(1048576), "bytes"),
     .standard = "268435456", .flags = CONFIG_AT_START},

    {"log.format", CONFIG_CHOICE, AT(log.format), .choices = "text|json", .standard = "'text'"},
    {"log.level", CONFIG_CHOICE, AT(log.level), .choices = "debug|info|warn|error", .standard = "'info'"},
    {"log.access", CONFIG_BOOL, AT(log.access), .standard = "true"},

    {"f5.model", CONFIG_TEXT, AT(f5.model)},
    {"f5.ckpt_file", CONFIG_PATH, AT(f5.ckpt_file)},
    {"f5.vocab_file", CONFIG_PATH, AT(f5.vocab_file)},
    {"f5.vocoder_local_path", CONFIG_PATH, AT(f5.vocoder_local_path)},
    {"f5.hf_cache_dir", CONFIG_PATH, AT(f5.hf_cache_dir), .flags = CONFIG_AT_START},
    {"f5.default_nfe_step", CONFIG_INT, AT(f5.default_nfe_step), RANGE(1, ISHOW_NFE_MAX, "evaluations"),
     .standard = "7"},
    {"f5.ode_method", CONFIG_OTHER},
    {"f5.use_ema", CONFIG_OTHER},
    {"f5.device", CONFIG_OTHER},
    {"f5.python_package_path", CONFIG_OTHER},
    {"f5.voices", CONFIG_TABLES, LIST(f5.voices, f5.voice_count, config_voice)},
    {"f5.voices[].id", CONFIG_TEXT, IN(config_voice, id)},
    {"f5.voices[].reference_audio", CONFIG_PATH, IN(config_voice, reference_audio)},
    {"f5.voices[].reference_text", CONFIG_TEXT, IN(config_voice, reference_text)},
    {"f5.voices[].language", CONFIG_TEXT, IN(config_voice, language)},
    {"f5.voices[].engine_label", CONFIG_TEXT, IN(config_voice, engine_label)},
    {"f5.voices[].preload", CONFIG_BOOL, IN(config_voice, preload)},

    {"index_tts", CONFIG_FOREIGN},
    {"csm", CONFIG_FOREIGN},

    {"shimmy.model_name", CONFIG_TEXT, AT(shimmy.model_name), .standard = "'f5-tts'"},
    {"shimmy.template", CONFIG_OTHER},
    {"shimmy.ctx_len", CONFIG_OTHER},
    {"shimmy.n_threads", CONFIG_OTHER},
    {"shimmy.extra_models", CONFIG_TABLES, LIST(shimmy.extra_models, shimmy.extra_model_count, config_shimmy_model)},
    {"shimmy.extra_models[].name", CONFIG_TEXT, IN(config_shimmy_model, name)},
    {"shimmy.extra_models[].base_path", CONFIG_OTHER},
    {"shimmy.extra_models[].template", CONFIG_OTHER},
    {"shimmy.extra_models[].ctx_len", CONFIG_OTHER},
    {"shimmy.extra_models[].n_threads", CONFIG_OTHER},

    {"danmaku.twitch.enabled", CONFIG_BOOL, AT(danmaku.twitch.enabled), .flags = CONFIG_AT_START},
    {"danmaku.twitch.client_id", CONFIG_OTHER},
    {"danmaku.twitch.client_secret", CONFIG_OTHER},
    {"danmaku.twitch.bot_username", CONFIG_TEXT, AT(danmaku.twitch.bot_username), .flags = CONFIG_AT_START},
    {"danmaku.twitch.oauth_token", CONFIG_TEXT, AT(danmaku.twitch.oauth_token),
     .flags = CONFIG_SECRET | CONFIG_AT_START},
    {"danmaku.twitch.channels", CONFIG_TEXTS, AT(danmaku.twitch.channels), .flags = CONFIG_AT_START},
    {"danmaku.twitch.url", CONFIG_TEXT, AT(danmaku.twitch.url), .flags = CONFIG_AT_START},
    {"danmaku.youtube.enabled", CONFIG_BOOL, AT(danmaku.youtube.enabled), .flags = CONFIG_AT_START},
    {"danmaku.youtube.api_key", CONFIG_TEXT, AT(danmaku.youtube.api_key), .flags = CONFIG_SECRET | CONFIG_AT_START},
    {"danmaku.youtube.client_id", CONFIG_OTHER},
    {"danmaku.youtube.client_secret", CONFIG_OTHER},
    {"danmaku.youtube.refresh_token", CONFIG_OTHER},
    {"danmaku.youtube.channel_id", CONFIG_TEXT, AT(danmaku.youtube.channel_id), .flags = CONFIG_AT_START},
    {"danmaku.youtube.channels", CONFIG_TEXTS, AT(danmaku.youtube.channels), .flags = CONFIG_AT_START},
    {"danmaku.youtube.url", CONFIG_TEXT, AT(danmaku.youtube.url), .flags = CONFIG_AT_START},
    {"danmaku.youtube.quota", CONFIG_INT, AT(danmaku.youtube.quota), RANGE(1, 100000000, "units"),
     .standard = "10000", .flags = CONFIG_AT_START},
    {"danmaku.bilibili.enabled", CONFIG_BOOL, AT(danmaku.bilibili.enabled), .flags = CONFIG_AT_START},
    {"danmaku.bilibili.app_id", CONFIG_TEXT, AT(danmaku.bilibili.app_id), .flags = CONFIG_AT_START},
    {"danmaku.bilibili.access_key_id", CONFIG_TEXT, AT(danmaku.bilibili.access_key_id), .flags = CONFIG_AT_START},
    {"danmaku.bilibili.access_key_secret", CONFIG_TEXT, AT(danmaku.bilibili.access_key_secret),
     .flags = CONFIG_SECRET | CONFIG_AT_START},
    {"danmaku.bilibili.code", CONFIG_TEXT, AT(danmaku.bilibili.code), .flags = CONFIG_SECRET | CONFIG_AT_START},
    {"danmaku.bilibili.room", CONFIG_TEXT, AT(danmaku.bilibili.room), .flags = CONFIG_AT_START},
    {"danmaku.bilibili.url", CONFIG_TEXT, AT(danmaku.bilibili.url), .flags = CONFIG_AT_START},
    {"danmaku.proxy", CONFIG_TEXT, AT(danmaku.proxy), .flags = CONFIG_SECRET | CONFIG_AT_START},
    {"danmaku.ageing", CONFIG_REAL, AT(danmaku.ageing), RANGE(0, 86400, "seconds"),
     .standard = "30.0", .flags = CONFIG_AT_START},
    {"danmaku.flood", CONFIG_REAL, AT(danmaku.flood), RANGE(0, 86400, "seconds"),
     .standard = "60.0", .flags = CONFIG_AT_START},

    {"danmaku_gateway.queue.capacity", CONFIG_INT, AT(gateway.capacity), RANGE(1, 10000, "messages"),
     .standard = "512", .flags = CONFIG_AT_START},
    {"danmaku_gateway.queue.rate_limit_per_sec", CONFIG_REAL, AT(gateway.rate_limit_per_sec),
     RANGE(0.01, 1000, "messages a second"), .standard = "1.5", .flags = CONFIG_AT_START},
    {"danmaku_gateway.filter.max_words", CONFIG_INT, AT(gateway.max_words), RANGE(1, 1000, "words"),
     .standard = "77", .flags = CONFIG_AT_START},
    {"danmaku_gateway.filter.max_chars", CONFIG_INT, AT(gateway.max_chars), RANGE(1, 50000, "characters"),
     .standard = "280", .flags = CONFIG_AT_START},
    {"danmaku_gateway.filter.banned_keywords", CONFIG_TEXTS, AT(gateway.banned_keywords), .flags = CONFIG_AT_START},
    {"danmaku_gateway.filter.allow_links", CONFIG_BOOL, AT(gateway.allow_links), .flags = CONFIG_AT_START},
    {"danmaku_gateway.tts.endpoint", CONFIG_OTHER},
    {"danmaku_gateway.tts.voice_id", CONFIG_TEXT, AT(gateway.voice_id), .flags = CONFIG_AT_START},
    {"danmaku_gateway.tts.timeout_secs", CONFIG_OTHER},
};
const size_t config_key_count = sizeof config_keys / sizeof *config_keys;

const struct config_key *config_key_find(const char *path)
{
    for (size_t i = 0; i < config_key_count; i++)
        if (strcmp(config_keys[i].path, path) == 0)
            return &config_keys[i];
    return NULL;
}

/* Where `path` goes on below `section`, or NULL: for "f5", "voices[].id" of "f5.voices[].id". */
static const char *below(const char *path, const char *section)
{
    size_t n = strlen(section);
    if (n == 0)
        return path;
    return strncmp(path, section, n) == 0 && path[n] == '.' ? path + n + 1 : NULL;
}

int config_is_section(const char *path)
{
    for (size_t i = 0; i < config_key_count; i++)
        if (below(config_keys[i].path, path))
            return 1;
    return 0;
}

/* -------- what was probably meant -------- */

int config_suggest(const char *section, const char *name, char ret[CONFIG_PATH_LENGTH])
{
    size_t n = strlen(name), nearest = n / 3 < 1 ? 2 : n / 3 + 1; /* found ones are nearer than this */
    const char *found = NULL;
    size_t found_length = 0;
    if (n == 0 || n >= CONFIG_PATH_LENGTH)
        return 0;
    for (size_t i = 0; i < config_key_count; i++) {
        const char *rest = below(config_keys[i].path, section);
        if (!rest)
            continue;
        size_t m = strcspn(rest, ".["), far = edit_distance(name, n, rest, m);
        if (far < nearest) {
            nearest = far;
            found = rest;
            found_length = m;
        }
    }
    for (size_t i = 0; i < config_key_count && !found; i++) {
        const char *dot = strrchr(config_keys[i].path, '.');
        if (dot && strcmp(dot + 1, name) == 0) {
            found = config_keys[i].path;
            found_length = strlen(found);
        }
    }
    if (!found)
        return 0;
    memcpy(ret, found, found_length);
    ret[found_length] = '\0';
    return 1;
}

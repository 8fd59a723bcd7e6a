/* What an operator may write, what follows from it, and what is said when it is wrong. */
#include "test.h"

#include "base/file.h"
#include "base/log.h"
#include "failing_heap.h"
#include "config/config.h"
#include "config/config_schema.h"

#include <ctype.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static struct buf warnings; /* one a line */

static void on_warning(void *user, const char *sentence)
{
    (void)user;
    assert_int_equal(buf_addf(&warnings, "%s\n", sentence), 0);
}

static const char *told(void)
{
    return warnings.len ? warnings.ptr : "";
}

static struct config *parse_with(const char *text, char *const *env, const struct config_setting *settings)
{
    struct config *c = NULL;
    struct error err = {0};
    buf_release(&warnings);
    if (config_parse(text, strlen(text), "dir/x.toml", env, settings, &c, on_warning, NULL, &err))
        fail_msg("%s", err.text);
    return c;
}

static struct config *parse(const char *text)
{
    return parse_with(text, NULL, NULL);
}

static char *read_tree(const char *name)
{
    struct buf text = BUF_INIT;
    char path[512];
    snprintf(path, sizeof path, "%s/../%s", getenv("ISHOW_TESTS"), name);
    struct error err = {0};
    if (file_read(path, 1 << 20, &text, &err))
        fail_msg("%s", err.text);
    return text.ptr;
}

/* -------- what is said -------- */

static void wrong_values_are_told_with_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *sentence;
    } cases[] = {
        {"a = ", "x.toml: line 1, column 5: "},
        {"[api]\nmax_parallel = '3'",
         "line 2, column 16: api.max_parallel: expected a whole number from 0 to 64 engines, "
         "found a string"},
        {"[api]\nmax_parallel = 65",
         "line 2, column 16: api.max_parallel: expected a whole number from 0 to 64 engines, "
         "found 65"},
        {"[api]\nmax_parallel = 2.0", "from 0 to 64 engines, found 2.0"},
        {"[server]\nidle_timeout = nan", "expected a number from 1 to 3600 seconds, found nan"},
        {"[server]\nidle_timeout = -inf", "found -inf"},
        {"server = 3", "line 1, column 10: server: expected a table, found a whole number"},
        {"[[server]]", "server: expected a table, found an array"},
        {"[server]\nbind = '127.0.0.1:1'", "line 2, column 8: server.bind: expected a list of strings, found a string"},
        {"[server]\nbind = [1]", "line 2, column 9: server.bind: expected a string, found a whole number"},
        {"[server]\nbind = []", "server.bind: expected one address at least"},
        {"[server]\nbind = ['127.0.0.1']", "expected an address with a port"},
        {"[server]\nbind = ['me@127.0.0.1:1']", "expected an address with a port"},
        {"[server]\nbind = ['unix:']", "expected \"unix:\" and a path"},
        {"[server]\ntls_key = 'k'", "server.tls_key is given without server.tls_certificate"},
        {"[server]\ntls_certificate = 'k'", "server.tls_certificate is given without server.tls_key"},
        {"[server]\ncors_origins = ['*']", "which would let every page on the web in"},
        {"[server]\ncors_origins = ['example.org']", "expected an origin such as"},
        {"[server]\nallowed_hosts = ['a:1']", "expected a name without a port"},
        {"[server]\ntrusted_proxies = ['10.0.0.0/33']", "expected an address, a range"},
        {"[server]\ntrusted_proxies = ['proxy']", "expected an address, a range"},
        {"[log]\nlevel = 'loud'",
         "line 2, column 9: log.level: expected one of debug, info, warn, error, found \"loud\""},
        {"[log]\nlevel = ''", "log.level: expected one of"},
        {"[log]\naccess = 1", "log.access: expected true or false, found a whole number"},
        {"[speech]\nengine = 'index_tts'", "speech.engine: expected one of auto, f5, builtin, found \"index_tts\""},
        {"[speech]\nprecision = ''", "expected a text that is not empty"},
        {"default_voice = \"a\\u0000b\"", "default_voice: the text holds a NUL"},
        {"[f5]\nvoices = 3", "f5.voices: expected a list of tables, found a whole number"},
        {"[f5]\nvoices = [3]", "line 2, column 11: f5.voices: expected a table, found a whole number"},
        {"[[f5.voices]]\nreference_audio = 'a'", "line 1, column 1: this voice has no id"},
        {"[[f5.voices]]\nid = 'a'", "the voice \"a\" has no reference_audio"},
        {"[[f5.voices]]\nid = 'a'\nreference_audio = 'a'\n[[f5.voices]]\nid = 'b'\nreference_audio = 'a'\n"
         "[[f5.voices]]\nid = 'a'\nreference_audio = 'b'",
         "line 7, column 1: the voice \"a\" is there already, on line 1"},
        {"[[queue.ladder]]\ndepth = 3", "rung 1 needs both depth and nfe"},
        {"[queue]\nladder = [{depth=3, nfe=5}, {depth=3, nfe=4}]", "expected each rung at a greater depth"},
        {"[queue]\nladder = [{depth=3, nfe=5}, {depth=4, nfe=5}]", "found depth 4, nfe 5 after depth 3, nfe 5"},
        {"[[auth.tokens]]\nname = 'a'", "the token \"a\": expected one of token, token_file and sha256"},
        {"[[auth.tokens]]\ntoken = '0123456789abcdef'", "token 1 has no name"},
        {"[[auth.tokens]]\nname = 'a'\nsha256 = '12'", "the token \"a\": expected 64 hexadecimal digits"},
        {"[[auth.tokens]]\nname = 'a'\ntoken = '0123456789abcdef'\nscopes = ['write']",
         "expected scopes out of read, speak, manage, found \"write\""},
        {"[[auth.tokens]]\nname = 'a'\ntoken = '0123456789abcdef'\n[[auth.tokens]]\nname = 'a'\ntoken = "
         "'fedcba9876543210'",
         "two are called \"a\""},
        {"[auth]\ntoken = '0123456789abcdef'\ntoken_file = 'x'",
         "auth: expected one of token and token_file, found both"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config *c = NULL;
        struct error err = {0};
        int rc = config_parse(cases[i].text, strlen(cases[i].text), "x.toml", NULL, NULL, &c, NULL, NULL, &err);
        if (!rc || !strstr(err.text, cases[i].sentence))
            fail_msg("case %zu: %d \"%s\", expected \"%s\"", i, rc, err.text, cases[i].sentence);
        assert_null(c);
        assert_int_equal(rc, err.code);
    }
}

static void odd_keys_are_told_with_what_was_meant(void **state)
{
    (void)state;
    static const struct {
        const char *text, *sentence;
    } cases[] = {
        {"\ndefualt_voice = 'a'", "dir/x.toml: line 2, column 1: unknown key 'defualt_voice'; did you mean "
                                  "'default_voice'?\n"},
        {"[serer]\nbind = []", "line 1, column 2: unknown key 'serer'; did you mean 'server'?\n"},
        {"[queue]\n  capcity = 3", "line 2, column 3: unknown key 'capcity'; did you mean 'capacity'?\n"},
        {"max_parallel = 3", "unknown key 'max_parallel'; did you mean 'api.max_parallel'?\n"},
        {"[f5]\nvoice = 3", "unknown key 'voice'; did you mean 'voices'?\n"},
        {"[[f5.voices]]\nid = 'a'\nreference_audio = 'a'\nreference_txt = 'x'",
         "line 4, column 1: unknown key 'reference_txt'; did you mean 'reference_text'?"},
        {"colour = 3", "unknown key 'colour'; it has no effect\n"},
        {"'server.bind' = 3", "unknown key 'server.bind'; it has no effect"},
        {"'' = 3", "unknown key ''"},
        {"\"a\\u0000\" = 3", "unknown key 'a'"},
        {"[index_tts]\ndevice = 3\n[[index_tts.voices]]\nid = 'a'",
         "line 1, column 2: index_tts: this program does not have that engine; its voices are left out\n"},
        {"[f5]\nmodel = 'E2TTS_Base'", "f5.model: \"E2TTS_Base\" has no files that this program knows"},
        {"bind_addr = '127.0.0.1:1'\n[server]\nbind = ['127.0.0.1:2']", "bind_addr has no effect"},
        {"default_voice = 'b'\n[[f5.voices]]\nid = 'a'\nreference_audio = 'x'\nreference_text = 'y'",
         "default_voice: \"b\" is none of [[f5.voices]]\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        config_free(parse(cases[i].text));
        if (!strstr(told(), cases[i].sentence))
            fail_msg("case %zu: \"%s\", expected \"%s\"", i, told(), cases[i].sentence);
    }
    struct buf many = BUF_INIT;
    for (int i = 0; i < 3 * CONFIG_WARNINGS_MAX; i++)
        buf_addf(&many, "zzzzz%d = 1\n", i);
    config_free(parse(many.ptr));
    size_t lines = 0;
    for (const char *s = told(); *s; s++)
        lines += *s == '\n';
    assert_int_equal(lines, CONFIG_WARNINGS_MAX + 1);
    assert_non_null(strstr(told(), "and 100 warnings more"));
    buf_release(&many);
}

static void nothing_secret_is_told(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "[auth]\ntoken = 'short+SECRET'",
        "[auth]\ntoken = 'SECRET with a blank in it'",
        "[auth]\ntokne = 'SECRET-0123456789abcdef'",
        "[auth]\ntoken = ['SECRET-0123456789abcdef']",
        "[[auth.tokens]]\nname = 'a'\nsha256 = 'SECRET'",
        ("[auth]\ntoken = 'SECRET-0123456789abcdef'\n[danmaku.youtube]\napi_key = 'SECRET'\n[danmaku.twitch]\n"
         "oauth_token = 'SECRET'"),
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct config *c = NULL;
        struct error err = {0};
        struct buf shown = BUF_INIT;
        buf_release(&warnings);
        if (!config_parse(texts[i], strlen(texts[i]), "x", NULL, NULL, &c, on_warning, NULL, &err))
            assert_int_equal(config_describe(c, &shown), 0);
        assert_null(strstr(err.text, "SECRET"));
        assert_null(strstr(told(), "SECRET"));
        assert_null(shown.len ? strstr(shown.ptr, "SECRET") : NULL);
        config_free(c);
        buf_release(&shown);
    }
}

/* -------- what follows -------- */

static void the_originals_file_is_understood(void **state)
{
    (void)state;
    struct config *c =
        parse("bind_addr = '0.0.0.0:27121'\ndefault_voice = 'walter'\n"
              "[api]\nmax_parallel = 3\n"
              "[f5]\nmodel = 'F5TTS_Base'\npython_package_path = '../F5-TTS/src'\n"
              "ckpt_file = '../m/model.safetensors'\nvocab_file = '/v/vocab.txt'\ndevice = 'cuda'\n"
              "vocoder_local_path = 'vocos'\node_method = 'euler'\nuse_ema = true\n"
              "hf_cache_dir = '../hf'\ndefault_nfe_step = 16\n"
              "[[f5.voices]]\nid = 'walter'\nreference_audio = '../data/w.wav'\nreference_text = 'Say it.'\n"
              "language = 'en-US'\nengine_label = 'F5'\npreload = true\n"
              "[shimmy]\nmodel_name = 'demo'\ntemplate = 'voice:walter'\nctx_len = 256\nn_threads = 2\n"
              "[[shimmy.extra_models]]\nname = 'two'\nbase_path = '.'\n"
              "[danmaku.twitch]\nenabled = true\nbot_username = 'u'\noauth_token = 't'\nchannels = ['c']\n"
              "[danmaku_gateway.queue]\ncapacity = 100\nrate_limit_per_sec = 10\n"
              "[danmaku_gateway.filter]\nmax_words = 50\nbanned_keywords = ['bad']\nallow_links = true\n"
              "[danmaku_gateway.tts]\nendpoint = 'http://x/'\nvoice_id = 'walter'\ntimeout_secs = 5\n");
    assert_string_equal(told(), "");
    assert_int_equal(c->server.bind.count, 1);
    assert_string_equal(c->server.bind.items[0], "0.0.0.0:27121");
    assert_string_equal(c->default_voice, "walter");
    assert_int_equal(c->api.max_parallel, 3);
    assert_string_equal(c->speech.model, "dir/../m/model.safetensors");
    assert_string_equal(c->speech.vocab, "/v/vocab.txt");
    assert_string_equal(c->speech.vocoder, "dir/vocos");
    assert_int_equal(c->speech.arch, ISHOW_ARCH_V0);
    assert_int_equal(c->f5.default_nfe_step, 16);
    assert_string_equal(c->f5.hf_cache_dir, "dir/../hf");
    const struct config_voice *v = config_find_voice(c, "walter");
    assert_non_null(v);
    assert_string_equal(v->reference_audio, "dir/../data/w.wav");
    assert_string_equal(v->reference_text, "Say it.");
    assert_string_equal(v->language, "en-US");
    assert_true(v->preload);
    assert_null(config_find_voice(c, "w"));
    assert_string_equal(c->shimmy.model_name, "demo");
    assert_string_equal(c->shimmy.extra_models[0].name, "two");
    assert_true(c->danmaku.twitch.enabled);
    assert_string_equal(c->danmaku.twitch.channels.items[0], "c");
    assert_int_equal(c->gateway.capacity, 100);
    assert_true(c->gateway.rate_limit_per_sec == 10);
    assert_string_equal(c->gateway.banned_keywords.items[0], "bad");
    config_free(c);
    c = parse("[f5]\nmodel = 'F5TTS_v1_Base'");
    assert_string_equal(c->speech.model, "f5");
    config_free(c);
    c = parse("[f5]\nmodel = 'F5TTS_v1_Base'\n[speech]\nmodel = 'm.pt'");
    assert_string_equal(c->speech.model, "dir/m.pt");
    config_free(c);
}

static void defaults_hold_without_a_file(void **state)
{
    (void)state;
    struct config *c = parse("");
    assert_string_equal(told(), "");
    assert_string_equal(c->server.bind.items[0], "127.0.0.1:27121");
    assert_int_equal(c->server.upload_max, 10 << 20);
    assert_int_equal(c->auth.count, 0);
    assert_int_equal(c->log.level, LOG_INFO);
    assert_int_equal(c->log.format, LOG_TEXT);
    assert_int_equal(c->queue.ladder_count, 3);
    assert_null(c->default_voice);
    assert_null(c->speech.model);
    assert_string_equal(c->speech.default_format, "mp3");
    config_free(c);
    c = parse("[queue]\nladder = []\n[[f5.voices]]\nid = 'a'\nreference_audio = 'b'\nreference_text = 'c'");
    assert_int_equal(c->queue.ladder_count, 0);
    assert_string_equal(c->default_voice, "a");
    config_free(c);
}

static void tokens_leave_only_their_digests(void **state)
{
    (void)state;
    /* sha256sum of 0123456789abcdef */
    static const char digest[] = "9f9f5111f7b27a781f1f1ddde5ebc2dd2b796bfc7365c9c28b548e564176929f";
    char folder[] = "/tmp/ishow-config-XXXXXX", path[64], text[512];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/t", folder);
    assert_int_equal(file_write(path, "0123456789abcdef\n", 17, NULL), 0);
    assert_int_equal(chmod(path, 0644), 0);
    snprintf(text, sizeof text,
             "[auth]\ntoken = '0123456789abcdef'\n"
             "[[auth.tokens]]\nname = 'a'\nsha256 = '%s'\nscopes = ['manage']\n"
             "[[auth.tokens]]\nname = 'b'\ntoken_file = '%s'\n",
             digest, path);
    char file[80];
    snprintf(file, sizeof file, "%s/x.toml", folder);
    assert_int_equal(file_write(file, text, strlen(text), NULL), 0);
    buf_release(&warnings);
    struct config *c = NULL;
    struct error err = {0};
    if (config_load(file, NULL, &c, on_warning, NULL, &err))
        fail_msg("%s", err.text);
    assert_non_null(strstr(told(), "everybody on this machine may read this token"));
    assert_int_equal(c->auth.count, 3);
    for (size_t i = 0; i < 3; i++) {
        char hex[2 * CONFIG_DIGEST + 1];
        for (size_t j = 0; j < CONFIG_DIGEST; j++)
            snprintf(hex + 2 * j, 3, "%02x", c->auth.items[i].digest[j]);
        assert_string_equal(hex, digest);
        assert_null(c->auth.items[i].token);
    }
    assert_int_equal(c->auth.items[0].scopes, MAY_MANAGE);
    assert_int_equal(c->auth.items[1].scopes, MAY_SPEAK | MAY_READ);
    assert_int_equal(c->auth.items[2].scopes, MAY_ALL);
    assert_string_equal(c->auth.items[2].name, "default");
    config_free(c);
    assert_int_equal(file_write(path, "short\n", 6, NULL), 0);
    assert_int_equal(config_load(file, NULL, &c, NULL, NULL, &err), E_FORMAT);
    assert_non_null(strstr(err.text, "the token \"b\": expected 16 to 512 characters, found 5"));
    unlink(path);
    assert_int_equal(config_load(file, NULL, &c, NULL, NULL, &err), E_NOTFOUND);
    assert_non_null(strstr(err.text, path));
    unlink(file);
    rmdir(folder);
}

static void later_sources_win(void **state)
{
    (void)state;
    const char *env[] = {"ISHOWTTS__queue__capacity=7",
                         "ISHOWTTS__F5__DEFAULT_NFE_STEP=9",
                         "ISHOWTTS__log__level=debug",
                         "ISHOWTTS__default_voice=12",
                         "ISHOWTTS__server__bind=[::1]:1,unix:s",
                         "ISHOWTTS__server__cors_origins=['https://a.example']",
                         "ISHOWTTS__history__enabled=false",
                         "ISHOWTTS__speech__model=",
                         "ISHOWTTS__index_tts__device=cpu",
                         "ISHOWTTS__server__allowed_hosts=",
                         "ISHOWTTS__que__capacity=1",
                         "ISHOWTTS__queue__capcity=1",
                         "ISHOWTTS=1",
                         "OTHER__queue__capacity=8",
                         NULL};
    const struct config_setting settings[] = {{"log.level", "error", "--log-level"}, {NULL, NULL, NULL}};
    struct config *c = parse_with("[queue]\ncapacity = 3\nper_client = 4\n[speech]\nmodel = 'f5'\n"
                                  "[server]\nallowed_hosts = ['a']",
                                  (char *const *)env, settings);
    assert_int_equal(c->queue.capacity, 7);
    assert_int_equal(c->queue.per_client, 4);
    assert_int_equal(c->f5.default_nfe_step, 9);
    assert_int_equal(c->log.level, LOG_ERROR);
    assert_string_equal(c->default_voice, "12");
    assert_int_equal(c->server.bind.count, 2);
    assert_string_equal(c->server.bind.items[0], "[::1]:1");
    assert_string_equal(c->server.bind.items[1], "unix:dir/s");
    assert_string_equal(c->server.cors_origins.items[0], "https://a.example");
    assert_int_equal(c->server.allowed_hosts.count, 0);
    assert_false(c->history.enabled);
    assert_null(c->speech.model);
    assert_non_null(strstr(told(), "ISHOWTTS__queue__capcity: unknown key 'capcity'; did you mean 'capacity'?\n"));
    assert_non_null(strstr(told(), "ISHOWTTS__que__capacity: unknown key"));
    config_free(c);
    static const struct {
        const char *variable, *sentence;
    } wrong[] = {
        {"ISHOWTTS__queue__capacity=x",
         "ISHOWTTS__queue__capacity: queue.capacity: expected a whole number from 1 to 10000 "
         "requests, found a string"},
        {"ISHOWTTS__queue__capacity=1\nz=2", "found a string"},
        {"ISHOWTTS__queue__capacity=", "found a string"},
        {"ISHOWTTS__f5__voices=[]", "f5.voices is a list of tables, which can stand only in the file"},
        {"ISHOWTTS__f5__voices__0__id=a", "f5.voices is a list of tables"},
        {"ISHOWTTS__default_voice=\xff", "default_voice: expected UTF-8"},
        {"ISHOWTTS__log__level=loud", "ISHOWTTS__log__level: log.level: expected one of"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char *one[] = {(char *)wrong[i].variable, NULL};
        struct error err = {0};
        assert_int_equal(config_parse("", 0, NULL, one, NULL, &c, NULL, NULL, &err), E_FORMAT);
        if (!strstr(err.text, wrong[i].sentence))
            fail_msg("%s: \"%s\"", wrong[i].variable, err.text);
    }
}

static void only_the_default_file_may_be_missing(void **state)
{
    (void)state;
    char folder[] = "/tmp/ishow-config-XXXXXX", path[128];
    struct config *c = NULL;
    struct error err;
    assert_non_null(mkdtemp(folder));
    setenv("XDG_CONFIG_HOME", folder, 1);
    assert_int_equal(config_load(NULL, NULL, &c, NULL, NULL, &err), 0);
    assert_null(c->path);
    config_free(c);
    snprintf(path, sizeof path, "%s/gone.toml", folder);
    assert_int_equal(config_load(path, NULL, &c, NULL, NULL, &err), E_NOTFOUND);
    snprintf(path, sizeof path, "%s/ishowtts", folder);
    assert_int_equal(dir_make(path, NULL), 0);
    strcat(path, "/ishowtts.toml");
    assert_int_equal(file_write(path, "[queue]\ncapacity = 5\n", 21, NULL), 0);
    assert_int_equal(config_load(NULL, NULL, &c, NULL, NULL, &err), 0);
    assert_string_equal(c->path, path);
    assert_int_equal(c->queue.capacity, 5);
    struct config *more = config_ref(c);
    config_free(c);
    assert_string_equal(more->path, path);
    config_free(more);
    config_free(NULL);
    unlink(path);
    *strrchr(path, '/') = '\0';
    rmdir(path);
    rmdir(folder);
}

/* -------- back into words -------- */

static void what_is_described_reads_the_same(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "default_voice = \"\\\"q\\\\ \\u0007é\"\n[queue]\nladder = []\n[log]\nformat = 'json'\nlevel = 'warn'",
        "bind_addr = '[::1]:0'\n[server]\nidle_timeout = 1.25\ncors_origins = ['https://a:8443', 'http://b']\n"
        "[f5]\nckpt_file = '/m/a.pt'\n[[f5.voices]]\nid = 'a'\nreference_audio = '/a'\nreference_text = 't'\n"
        "preload = true\n[[f5.voices]]\nid = 'b'\nreference_audio = '/b'\nreference_text = 'u'",
        "[auth]\ntoken_file = '/t'\n[[auth.tokens]]\nname = 'n'\ntoken_file = '/u'\nscopes = ['read']",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct buf first = BUF_INIT, second = BUF_INIT;
        struct config *c = parse(texts[i]);
        assert_int_equal(config_describe(c, &first), 0);
        config_free(c);
        c = parse(first.ptr);
        assert_string_equal(told(), "");
        assert_int_equal(config_describe(c, &second), 0);
        config_free(c);
        assert_string_equal(first.ptr, second.ptr);
        buf_release(&first);
        buf_release(&second);
    }
}

static void add_name(void *user, const char *key)
{
    buf_addf(user, "%s ", key);
}

static void what_needs_a_restart_is_named(void **state)
{
    (void)state;
    struct config *a = parse("[queue]\ncapacity = 3"), *b = parse("[queue]\ncapacity = 4\n[log]\nlevel = 'debug'");
    struct config *c = parse("data_dir = '/x'\nbind_addr = '127.0.0.1:2'\n[speech]\nthreads = 3\nmodel = 'f5'");
    struct buf names = BUF_INIT;
    config_need_restart(a, b, add_name, &names);
    assert_int_equal(names.len, 0);
    config_need_restart(a, c, add_name, &names);
    assert_string_equal(names.ptr, "data_dir server.bind speech.model speech.threads ");
    buf_release(&names);
    config_free(a);
    config_free(b);
    config_free(c);
}

/* The sample: its comments stand under their section, "#name =" or "# name =". */
static int sample_names(const char *sample, const char *path)
{
    char section[128] = "", name[128], whole[300];
    for (const char *line = sample; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        const char *s = line + strspn(line, "# ");
        if (*s == '[' && sscanf(s, "[[%127[a-z0-9_.]]]", section) == 1)
            strcat(section, "[]");
        else if (*s == '[')
            sscanf(s, "[%127[a-z0-9_.]]", section);
        else if (sscanf(s, "%127[a-z0-9_] =", name) == 1 && s[strlen(name)] == ' ' && s[strlen(name) + 1] == '=') {
            snprintf(whole, sizeof whole, "%s%s%s", section, *section ? "." : "", name);
            size_t n = strlen(whole), length = strcspn(s, "\n");
            if (strcmp(whole, path) == 0)
                return 1;
            if (strncmp(path, whole, n) == 0 && strncmp(path + n, "[].", 3) == 0 &&
                memmem(s, length, path + n + 3, strlen(path + n + 3)))
                return 1; /* in a list on one line */
        }
    }
    return 0;
}

static void the_sample_names_every_key_with_its_default(void **state)
{
    (void)state;
    char *sample = read_tree("config/ishowtts.toml");
    struct buf uncommented = BUF_INIT, shown = BUF_INIT, standard = BUF_INIT;
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        char table[CONFIG_PATH_LENGTH + 8];
        snprintf(table, sizeof table, "[[%s]]", key->path);
        int named = sample_names(sample, key->path) || strstr(sample, table);
        if (key->type == CONFIG_FOREIGN || strcmp(key->path, "bind_addr") == 0)
            named = strstr(sample, key->path) != NULL;
        if (!named)
            fail_msg("config/ishowtts.toml says nothing of %s", key->path);
    }
    /* as it is, it is the defaults; with its settings that have one, too */
    char section[128] = "";
    for (const char *line = sample; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        char name[64], path[200];
        sscanf(line, "[%127[a-z0-9_.]]", section);
        if (sscanf(line, "#%63[a-z0-9_] =", name) == 1) {
            snprintf(path, sizeof path, "%s%s%s", section, *section ? "." : "", name);
            const struct config_key *key = config_key_find(path);
            assert_non_null(key);
            if (!key->standard)
                continue;
            line++;
        }
        buf_addf(&uncommented, "%.*s\n", (int)strcspn(line, "\n"), line);
    }
    struct config *c = parse(sample), *d = parse(uncommented.ptr), *e = parse("");
    assert_string_equal(told(), "");
    assert_int_equal(config_describe(c, &shown), 0);
    assert_int_equal(config_describe(e, &standard), 0);
    assert_string_equal(shown.ptr, standard.ptr);
    shown.len = 0;
    assert_int_equal(config_describe(d, &shown), 0);
    assert_string_equal(shown.ptr, standard.ptr);
    config_free(c);
    config_free(d);
    config_free(e);
    buf_release(&shown);
    buf_release(&standard);
    buf_release(&uncommented);
    free(sample);
}

static int load_all(struct error *err)
{
    static const char text[] =
        "bind_addr = '127.0.0.1:1'\nunknwon = 1\n[server]\ncors_origins = ['http://a', 'http://b']\n"
        "[auth]\ntoken = '0123456789abcdef'\n[[auth.tokens]]\nname = 'n'\n"
        "token = 'fedcba9876543210'\n"
        "[[f5.voices]]\nid = 'a'\nreference_audio = 'b'\nreference_text = 'c'";
    const char *env[] = {"ISHOWTTS__server__allowed_hosts=a,b", NULL};
    struct config *c;
    struct buf shown = BUF_INIT;
    int rc = config_parse(text, sizeof text - 1, "x.toml", (char *const *)env, NULL, &c, NULL, NULL, err);
    if (rc)
        return rc;
    rc = config_describe(c, &shown);
    if (rc)
        error_set(err, rc, "out of memory");
    buf_release(&shown);
    config_free(c);
    return rc;
}

static void the_loss_of_any_allocation_is_told(void **state)
{
    (void)state;
    heap_fail_each(load_all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_values_are_told_with_their_place),
        cmocka_unit_test(odd_keys_are_told_with_what_was_meant),
        cmocka_unit_test(nothing_secret_is_told),
        cmocka_unit_test(the_originals_file_is_understood),
        cmocka_unit_test(defaults_hold_without_a_file),
        cmocka_unit_test(tokens_leave_only_their_digests),
        cmocka_unit_test(later_sources_win),
        cmocka_unit_test(only_the_default_file_may_be_missing),
        cmocka_unit_test(what_is_described_reads_the_same),
        cmocka_unit_test(what_needs_a_restart_is_named),
        cmocka_unit_test(the_sample_names_every_key_with_its_default),
        cmocka_unit_test(the_loss_of_any_allocation_is_told),
    };
    int rc = cmocka_run_group_tests_name("config", tests, NULL, NULL);
    buf_release(&warnings);
    return rc;
}

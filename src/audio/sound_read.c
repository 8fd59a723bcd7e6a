/* Sound files into memory, by libsndfile.
 *
 * Files come from strangers, so nothing in a header is believed: the frame count is not used, samples
 * are read in blocks until there are no more or the limit is passed. The type is told by
 * content alone (libsndfile would go by extension, too, if it saw the name). What is no regular file (a
 * pipe) is first read into memory, because most containers need to be seekable. */
#include "audio/sound_file.h"

#include "audio/shape.h"
#include "base/buf.h"
#include "base/file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sndfile.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_BLOCK 4096 /* frames */
#define READABLE   "wav, flac, ogg, opus, mp3, aiff, au, caf and w64 can be read"

/* Bytes as libsndfile's virtual file. */
struct memory_file {
    const unsigned char *data;
    sf_count_t len, pos;
};

static sf_count_t memory_len(void *user)
{
    return ((struct memory_file *)user)->len;
}

static sf_count_t memory_tell(void *user)
{
    return ((struct memory_file *)user)->pos;
}

static sf_count_t memory_seek(sf_count_t offset, int whence, void *user)
{
    struct memory_file *m = user;
    sf_count_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? m->pos : m->len;
    if (offset < -base || offset > m->len - base)
        return -1;
    m->pos = base + offset;
    return m->pos;
}

static sf_count_t memory_read(void *out, sf_count_t n, void *user)
{
    struct memory_file *m = user;
    if (n > m->len - m->pos)
        n = m->len - m->pos;
    if (n <= 0)
        return 0;
    memcpy(out, m->data + m->pos, (size_t)n);
    m->pos += n;
    return n;
}

static sf_count_t memory_write(const void *data, sf_count_t n, void *user)
{
    (void)data;
    (void)n;
    (void)user;
    return 0;
}

/* What a file that libsndfile declined seems to be, for the error sentence; NULL when unknown. */
static const char *name_content(const unsigned char *head, size_t len)
{
    static const struct {
        size_t at, len;
        const char *magic, *name;
    } known[] = {
        {4, 4, "ftyp", "MP4 or M4A"},
        {0, 4, "\x1a\x45\xdf\xa3", "Matroska or WebM"},
        {0, 5, "#!AMR", "AMR"},
        {0, 2, "\xff\xf1", "AAC"},
        {0, 2, "\xff\xf9", "AAC"},
        {0, 4, "\x30\x26\xb2\x75", "Windows Media"},
        {0, 4, "MAC ", "Monkey's Audio"},
        {0, 4, "wvpk", "WavPack"},
        {0, 4, "RIFF", "a damaged wav file or a RIFF file of another kind"},
        {0, 4, "fLaC", "a damaged flac file"},
        {0, 4, "OggS", "a damaged ogg file or one with another codec than vorbis, opus and flac"},
        {0, 3, "ID3", "a damaged mp3 file"},
        {0, 2, "\xff\xfb", "a damaged mp3 file"},
        {0, 2, "\xff\xf3", "a damaged mp3 file"},
        {0, 4, "\x89PNG", "a picture"},
        {0, 3, "\xff\xd8\xff", "a picture"},
        {0, 2, "PK", "a zip archive"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (len >= known[i].at + known[i].len && !memcmp(head + known[i].at, known[i].magic, known[i].len))
            return known[i].name;
    size_t text = 0;
    while (text < len && (isprint(head[text]) || isspace(head[text])))
        text++;
    return text == len ? "text" : NULL;
}

static int refuse(const char *name, const unsigned char *head, size_t len, struct error *err)
{
    const char *content = name_content(head, len);
    if (content)
        return error_set(err, E_FORMAT, "%s is not sound that can be read, it looks like %s (" READABLE ")",
                         name, content);
    return error_set(err, E_FORMAT, "%s is not sound that can be read: its format is %s (" READABLE ")", name,
                     sf_error(NULL) == SF_ERR_UNRECOGNISED_FORMAT ? "not known" : "damaged or not supported");
}

#define FULL_SCALE 0.992f /* 8 bits have no more than 127/128 */

/* What is collected while blocks are read. */
struct watch {
    float peak;
    size_t clipped;
    double mean_power, rest_power; /* sums */
};

/* The mean of each frame's channels, written over the start of the block. */
static void mix_down(float *block, size_t frames, size_t channels, struct watch *w)
{
    for (size_t f = 0; f < frames; f++) {
        const float *x = block + f * channels;
        float sum = 0;
        double power = 0;
        for (size_t c = 0; c < channels; c++) {
            const float size = fabsf(x[c]);
            sum += x[c];
            power += (double)x[c] * x[c];
            w->peak = size > w->peak ? size : w->peak;
            w->clipped += size >= FULL_SCALE;
        }
        const float mean = channels == 1 ? sum : sum / (float)channels;
        const double rest = power / (double)channels - (double)mean * mean;
        w->mean_power += (double)mean * mean;
        w->rest_power += rest > 0 && channels > 1 ? rest : 0;
        block[f] = mean;
    }
}

/* One reading: where from, how much at most, and where to. */
struct reading {
    const char *name;
    struct sound_limits limits;
    struct pcm *ret;
    struct sound_traits *traits; /* may be NULL */
};

/* Reads what `sf` has; `sf` stays open. */
static int read_all(SNDFILE *sf, const SF_INFO *info, const struct reading *r, struct error *err)
{
    const char *name = r->name;
    struct watch watch = {0};
    if (info->samplerate < SOUND_MIN_RATE || info->samplerate > SOUND_MAX_RATE)
        return error_set(err, E_FORMAT, "%s: the sample rate is %d Hz, it must be within %d..%d", name,
                         info->samplerate, SOUND_MIN_RATE, SOUND_MAX_RATE);
    if (info->channels < 1 || info->channels > SOUND_MAX_CHANNELS)
        return error_set(err, E_FORMAT, "%s: there are %d channels, there must be 1 to %d", name,
                         info->channels, SOUND_MAX_CHANNELS);
    size_t channels = (size_t)info->channels;
    size_t most = (size_t)info->samplerate * (size_t)r->limits.seconds;
    if (most > SOUND_MAX_FRAMES)
        most = SOUND_MAX_FRAMES;
    struct pcm out = {.rate = info->samplerate};
    size_t bad = 0;
    int rc = 0;
    float *block = malloc(READ_BLOCK * channels * sizeof *block);
    if (!block)
        return error_nomem(err);
    for (;;) {
        sf_count_t n = sf_readf_float(sf, block, READ_BLOCK);
        if (n <= 0)
            break;
        size_t frames = (size_t)n;
        if (frames > most - out.len) {
            rc = error_set(err, E_LIMIT, "%s is longer than %zu seconds", name,
                           most / (size_t)info->samplerate);
            goto fail;
        }
        bad += pcm_sanitize(block, frames * channels);
        mix_down(block, frames, channels, &watch);
        if (pcm_append(&out, block, frames)) {
            rc = error_nomem(err);
            goto fail;
        }
    }
    if (!out.len) {
        const char *why = sf_error(sf) ? sf_strerror(sf) : "it is empty";
        rc = error_set(err, E_FORMAT, "%s has no sound in it: %s", name, why);
        goto fail;
    }
    if (bad > out.len * channels / 100) {
        rc = error_set(err, E_FORMAT, "%s: %zu of %zu samples are not numbers (NaN or infinite)", name, bad,
                       out.len * channels);
        goto fail;
    }
    free(block);
    if (r->traits)
        *r->traits = (struct sound_traits){info->channels, watch.peak, watch.clipped,
                                           watch.mean_power > 0 ? sqrt(watch.rest_power / watch.mean_power)
                                                                : watch.rest_power > 0};
    *r->ret = out;
    return 0;
fail:
    free(block);
    pcm_release(&out);
    return rc;
}

static int read_memory(const void *data, size_t len, const struct reading *r, struct error *err)
{
    if (!len)
        return error_set(err, E_FORMAT, "%s is empty", r->name);
    struct memory_file m = {.data = data, .len = (sf_count_t)len};
    SF_VIRTUAL_IO io = {memory_len, memory_seek, memory_read, memory_write, memory_tell};
    SF_INFO info = {0};
    SNDFILE *sf = sf_open_virtual(&io, SFM_READ, &info, &m);
    if (!sf)
        return refuse(r->name, data, len < 64 ? len : 64, err);
    int rc = read_all(sf, &info, r, err);
    sf_close(sf);
    return rc;
}

int sound_read_memory(const void *data, size_t len, struct pcm *ret, struct error *err)
{
    const struct sound_limits limits = {SOUND_MAX_SECONDS, SOUND_MAX_BYTES};
    return sound_read_memory_within(data, len, limits, ret, NULL, err);
}

int sound_read_memory_within(const void *data, size_t len, struct sound_limits limits, struct pcm *ret,
                             struct sound_traits *traits, struct error *err)
{
    const struct reading r = {"the sound", limits, ret, traits};
    if (len > limits.bytes)
        return error_set(err, E_LIMIT, "the sound is larger than %zu bytes", limits.bytes);
    return read_memory(data, len, &r, err);
}

static int read_pipe(const struct reading *r, struct error *err)
{
    struct buf bytes = BUF_INIT;
    int rc = file_read(r->name, r->limits.bytes, &bytes, err);
    if (!rc)
        rc = read_memory(bytes.ptr, bytes.len, r, err);
    buf_release(&bytes);
    return rc;
}

static int read_regular(int fd, const struct reading *r, struct error *err)
{
    unsigned char head[64];
    ssize_t got = pread(fd, head, sizeof head, 0);
    if (got < 0)
        return error_errno(err, errno, "cannot read %s", r->name);
    if (!got)
        return error_set(err, E_FORMAT, "%s is empty", r->name);
    SF_INFO info = {0};
    SNDFILE *sf = sf_open_fd(fd, SFM_READ, &info, 0);
    if (!sf)
        return refuse(r->name, head, (size_t)got, err);
    int rc = read_all(sf, &info, r, err);
    sf_close(sf);
    return rc;
}

static int read_path(const struct reading *r, struct error *err)
{
    struct stat st;
    const char *path = r->name;
    if (stat(path, &st) < 0)
        return error_errno(err, errno, "cannot open %s", path);
    if (S_ISDIR(st.st_mode))
        return error_set(err, E_FORMAT, "%s is a folder, not a sound file", path);
    if (!S_ISREG(st.st_mode))
        return read_pipe(r, err);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, errno, "cannot open %s", path);
    int rc = read_regular(fd, r, err);
    close(fd);
    return rc;
}

int sound_read(const char *path, struct pcm *ret, struct error *err)
{
    const struct reading r = {path, {SOUND_MAX_SECONDS, SOUND_MAX_BYTES}, ret, NULL};
    return read_path(&r, err);
}

int sound_read_within(const char *path, struct sound_limits limits, struct pcm *ret, struct sound_traits *traits,
                      struct error *err)
{
    const struct reading r = {path, limits, ret, traits};
    struct stat st;
    if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size > limits.bytes)
        return error_set(err, E_LIMIT, "%s has %lld bytes, at most %zu are read", path, (long long)st.st_size,
                         limits.bytes);
    return read_path(&r, err);
}

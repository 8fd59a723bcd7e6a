/* See normalize_spell.h. A formatter takes milliseconds to open (ICU parses its rules) and must not be
 * used by two threads, so each is opened once, kept, and used under one lock. */
#include "text/normalize_spell.h"

#include "base/error.h"

#include <pthread.h>
#include <unicode/unum.h>
#include <unicode/ustring.h>

#define WORDS_MAX 512 /* UTF-16 units; twelve digits take about 140 in English */

static const struct {
    const char *locale, *rules;
} rule_sets[SPELL_COUNT] = {
    [SPELL_EN] = {"en", "%spellout-numbering"},
    [SPELL_EN_ORDINAL] = {"en", "%spellout-ordinal"},
    [SPELL_EN_YEAR] = {"en", "%spellout-numbering-year"},
    [SPELL_ZH] = {"zh", "%spellout-cardinal"},
    [SPELL_ZH_COUNT] = {"zh", "%spellout-cardinal-alternate2"},
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static UNumberFormat *formats[SPELL_COUNT]; /* opened under the lock; live as long as the process */

static int icu_error(UErrorCode ec)
{
    return ec == U_MEMORY_ALLOCATION_ERROR ? E_NOMEM : E_UNSUPPORTED;
}

static int open_format(enum spell how)
{
    UErrorCode ec = U_ZERO_ERROR;
    UNumberFormat *f = unum_open(UNUM_SPELLOUT, NULL, 0, rule_sets[how].locale, NULL, &ec);
    if (U_SUCCESS(ec)) {
        UChar name[64];
        u_uastrncpy(name, rule_sets[how].rules, 64);
        unum_setTextAttribute(f, UNUM_DEFAULT_RULESET, name, -1, &ec);
    }
    if (U_FAILURE(ec)) {
        unum_close(f);
        return icu_error(ec);
    }
    formats[how] = f;
    return 0;
}

int spell_number(enum spell how, int64_t value, struct buf *out)
{
    UChar words[WORDS_MAX];
    UErrorCode ec = U_ZERO_ERROR;
    int32_t n = 0;
    pthread_mutex_lock(&lock);
    int rc = formats[how] ? 0 : open_format(how);
    if (rc == 0)
        n = unum_formatInt64(formats[how], value, words, WORDS_MAX, NULL, &ec);
    pthread_mutex_unlock(&lock);
    if (rc)
        return rc;
    if (U_FAILURE(ec))
        return icu_error(ec);
    char utf8[WORDS_MAX * 3];
    int32_t bytes = 0;
    u_strToUTF8(utf8, sizeof utf8, &bytes, words, n, &ec);
    if (U_FAILURE(ec))
        return icu_error(ec);
    return buf_add(out, utf8, (size_t)bytes);
}

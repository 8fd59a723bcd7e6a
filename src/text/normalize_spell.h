/* Whole numbers as words, by ICU's spell-out rules (CLDR). */
#ifndef ISHOW_TEXT_NORMALIZE_SPELL_H
#define ISHOW_TEXT_NORMALIZE_SPELL_H

#include "base/buf.h"

#include <stdint.h>

enum spell {
    SPELL_EN,         /* one hundred five */
    SPELL_EN_ORDINAL, /* twenty-first */
    SPELL_EN_YEAR,    /* nineteen ninety-nine */
    SPELL_ZH,         /* 二百零二 */
    SPELL_ZH_COUNT,   /* the same with 两 where things are counted: 两, 两千 */
    SPELL_COUNT
};

#define SPELL_MAX 999999999999 /* larger is read digit by digit by those who call */

/* Appends the words for 0 <= value <= SPELL_MAX. 0, E_NOMEM, or E_UNSUPPORTED when ICU was installed
 * without its spell-out rules. May be called from any thread. */
int spell_number(enum spell how, int64_t value, struct buf *out);

#endif

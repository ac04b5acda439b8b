/* SPDX-License-Identifier: Apache-2.0 */
/* Times: what is printed reads as the same second. */
#include "data/time.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tph_str text = fuzz_text(data, size);
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_instant at;
    struct tph_instant again;
    char printed[TPH_TIME_TEXT];
    if (tph_time_parse_instant(text, &at, &err) < 0) {
        FUZZ_HOLDS(err.text[0]);
        return 0;
    }
    FUZZ_HOLDS(at.ns >= 0 && at.ns < 1000000000);
    tph_time_format(at.seconds * 1000, printed);
    /* An offset may lead out of the years that four digits can say. */
    if (at.seconds >= INT64_C(-62167219200) && at.seconds < INT64_C(253402300800)) {
        FUZZ_HOLDS(tph_time_parse_instant(tph_str(printed), &again, NULL) == 0 && again.seconds == at.seconds);
    }
    return 0;
}

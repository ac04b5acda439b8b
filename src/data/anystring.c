/* SPDX-License-Identifier: Apache-2.0 */
#include "data/anystring.h"

#include "data/number.h"

bool tph_anystring(const struct tph_json *value, struct tph_buf *text)
{
    double number = 0;
    switch (tph_json_type(value)) {
    case TPH_JSON_NULL:
        return false;
    case TPH_JSON_BOOL:
        (void)tph_buf_puts(text, tph_json_bool(value) ? "true" : "false");
        break;
    case TPH_JSON_NUMBER:
        if (tph_json_to_double(value, &number) == 0) {
            tph_number_write_plain(number, text);
        } else {
            (void)tph_buf_put(text, tph_json_number_text(value)); /* past a double: the text is all there is */
        }
        break;
    case TPH_JSON_STRING:
        (void)tph_buf_put(text, tph_json_str(value));
        break;
    case TPH_JSON_ARRAY:
    case TPH_JSON_OBJECT:
    case TPH_JSON_TYPE_COUNT:
        break;
    }
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What Go says of its types. */
#include "expr/value.h"

struct row {
    const char *name;
    const char *kind;
    enum tph_expr_type element;
    enum tph_expr_type key;
};

#define ROW(type_name, kind_name)                                                              \
    {                                                                                          \
        .name = (type_name), .kind = (kind_name), .element = TPH_EXPR_ANY, .key = TPH_EXPR_ANY \
    }
#define OF(type_name, kind_name, element_type, key_type)                                       \
    {                                                                                          \
        .name = (type_name), .kind = (kind_name), .element = (element_type), .key = (key_type) \
    }

static const struct row rows[TPH_EXPR_TYPE_COUNT] = {
    [TPH_EXPR_NIL] = ROW("<nil>", "invalid"),
    [TPH_EXPR_BOOL] = ROW("bool", "bool"),
    [TPH_EXPR_INT] = ROW("int", "int"),
    [TPH_EXPR_INT8] = ROW("int8", "int8"),
    [TPH_EXPR_INT16] = ROW("int16", "int16"),
    [TPH_EXPR_INT32] = ROW("int32", "int32"),
    [TPH_EXPR_INT64] = ROW("int64", "int64"),
    [TPH_EXPR_UINT] = ROW("uint", "uint"),
    [TPH_EXPR_UINT8] = ROW("uint8", "uint8"),
    [TPH_EXPR_UINT16] = ROW("uint16", "uint16"),
    [TPH_EXPR_UINT32] = ROW("uint32", "uint32"),
    [TPH_EXPR_UINT64] = ROW("uint64", "uint64"),
    [TPH_EXPR_DURATION] = ROW("time.Duration", "int64"),
    [TPH_EXPR_MONTH] = ROW("time.Month", "int"),
    [TPH_EXPR_WEEKDAY] = ROW("time.Weekday", "int"),
    [TPH_EXPR_FLOAT32] = ROW("float32", "float32"),
    [TPH_EXPR_FLOAT64] = ROW("float64", "float64"),
    [TPH_EXPR_STRING] = ROW("string", "string"),
    [TPH_EXPR_TIME] = ROW("time.Time", "struct"),
    [TPH_EXPR_LOCATION] = ROW("*time.Location", "ptr"),
    [TPH_EXPR_VERSION] = ROW("*semver.Version", "ptr"),
    [TPH_EXPR_ZONE_STRUCT] = ROW("time.Location", "struct"),
    [TPH_EXPR_VERSION_STRUCT] = ROW("semver.Version", "struct"),
    [TPH_EXPR_FUNCTION] = ROW("func", "func"),
    [TPH_EXPR_BYTES] = OF("[]uint8", "slice", TPH_EXPR_UINT8, TPH_EXPR_ANY),
    [TPH_EXPR_LIST] = OF("[]interface {}", "slice", TPH_EXPR_ANY, TPH_EXPR_ANY),
    [TPH_EXPR_LIST_STRING] = OF("[]string", "slice", TPH_EXPR_STRING, TPH_EXPR_ANY),
    [TPH_EXPR_LIST_INT] = OF("[]int", "slice", TPH_EXPR_INT, TPH_EXPR_ANY),
    [TPH_EXPR_LIST_FLOAT] = OF("[]float64", "slice", TPH_EXPR_FLOAT64, TPH_EXPR_ANY),
    [TPH_EXPR_LIST_LIST] = OF("[][]interface {}", "slice", TPH_EXPR_LIST, TPH_EXPR_ANY),
    [TPH_EXPR_LIST_PAIR] = OF("[][2]interface {}", "slice", TPH_EXPR_PAIR, TPH_EXPR_ANY),
    [TPH_EXPR_PAIR] = OF("[2]interface {}", "array", TPH_EXPR_ANY, TPH_EXPR_ANY),
    [TPH_EXPR_MAP] = OF("map[string]interface {}", "map", TPH_EXPR_ANY, TPH_EXPR_STRING),
    [TPH_EXPR_MAP_STRING] = OF("map[string]string", "map", TPH_EXPR_STRING, TPH_EXPR_STRING),
    [TPH_EXPR_MAP_LISTS] = OF("map[string][]string", "map", TPH_EXPR_LIST_STRING, TPH_EXPR_STRING),
    [TPH_EXPR_MAP_ANY] = OF("map[interface {}]interface {}", "map", TPH_EXPR_ANY, TPH_EXPR_ANY),
    [TPH_EXPR_MAP_GROUPS] = OF("map[interface {}][]interface {}", "map", TPH_EXPR_LIST, TPH_EXPR_ANY),
    [TPH_EXPR_SCOPE] = OF("map[string]interface {}", "map", TPH_EXPR_ANY, TPH_EXPR_STRING),
    [TPH_EXPR_ANY] = ROW("interface {}", "interface"),
};

bool tph_expr_is_integer(enum tph_expr_type type)
{
    return type >= TPH_EXPR_INT && type <= TPH_EXPR_WEEKDAY;
}

bool tph_expr_is_float(enum tph_expr_type type)
{
    return type == TPH_EXPR_FLOAT32 || type == TPH_EXPR_FLOAT64;
}

bool tph_expr_is_number(enum tph_expr_type type)
{
    return type >= TPH_EXPR_INT && type <= TPH_EXPR_FLOAT64;
}

bool tph_expr_is_list(enum tph_expr_type type)
{
    return type >= TPH_EXPR_LIST && type <= TPH_EXPR_PAIR;
}

bool tph_expr_is_map(enum tph_expr_type type)
{
    return type >= TPH_EXPR_MAP && type <= TPH_EXPR_MAP_GROUPS;
}

enum tph_expr_type tph_expr_element_type(enum tph_expr_type type)
{
    return rows[type].element;
}

enum tph_expr_type tph_expr_key_type(enum tph_expr_type type)
{
    return rows[type].key;
}

const char *tph_expr_type_name(enum tph_expr_type type)
{
    return rows[type].name;
}

const char *tph_expr_kind_name(enum tph_expr_type type)
{
    return rows[type].kind;
}

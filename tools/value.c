/* One function a type; what does not fit its type is written as the bytes it is. */
#include "tools/value.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

static enum value_form hex_text(FILE *to, struct slice value, enum value_form form) {
    for (size_t i = 0; i < value.n; i++)
        fprintf(to, "%02x", value.p[i]);
    return form;
}

/* ---- numbers ---- */

/* The shortest decimal that is the same number again. */
static enum value_form float_text(FILE *to, double x, int digits, int digits_max) {
    char text[40];
    if (!isfinite(x)) {
        fputs(isnan(x) ? "nan" : x < 0 ? "-inf" : "inf", to);
        return VALUE_STRING;
    }
    do {
        snprintf(text, sizeof text, "%.*g", digits, x);
    } while (digits++ < digits_max && (digits_max > 9 ? strtod(text, NULL) != x : strtof(text, NULL) != (float)x));
    fputs(text, to);
    return VALUE_RAW;
}

/* Days since 1899-12-30; the fraction is time of day, forward also before that date. What is no date (some programs put
 * other times into such columns) stays the number it is. */
static enum value_form date_text(FILE *to, double x) {
    const double first = -657434, end = 2958466; /* years 100 to 9999 */
    if (!(x >= first && x < end))
        return float_text(to, x, 15, 17);
    int64_t day = (int64_t)x;
    double part = x < 0 ? (double)day - x : x - (double)day;
    int64_t us = (int64_t)(part * 86400e6 + 0.5);
    if (us == 0 && day == 0 && (x > 0 || x < 0))
        return float_text(to, x, 15, 17);
    time_t seconds = (day - 25569) * 86400 + us / 1000000;
    struct tm tm;
    us %= 1000000;
    gmtime_r(&seconds, &tm);
    fprintf(to, "%04d-%02d-%02dT%02d:%02d:%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
            tm.tm_sec);
    if (us % 1000)
        fprintf(to, ".%06d", (int)us);
    else if (us)
        fprintf(to, ".%03d", (int)(us / 1000));
    return VALUE_STRING;
}

static double load_double(const uint8_t *p) {
    double x;
    memcpy(&x, p, sizeof x);
    return x;
}
static float load_float(const uint8_t *p) {
    float x;
    memcpy(&x, p, sizeof x);
    return x;
}

static enum value_form guid_text(FILE *to, const uint8_t *p) {
    fprintf(to, "%08x-%04x-%04x-%02x%02x-", load32(p), load16(p + 4), load16(p + 6), p[8], p[9]);
    for (int i = 10; i < 16; i++)
        fprintf(to, "%02x", p[i]);
    return VALUE_STRING;
}

static enum value_form integer_text(FILE *to, JET_COLTYP type, const uint8_t *p) {
    switch (type) {
    case JET_coltypBit:
        fputs(p[0] ? "true" : "false", to);
        break;
    case JET_coltypUnsignedByte:
        fprintf(to, "%u", p[0]);
        break;
    case JET_coltypShort:
        fprintf(to, "%d", (int16_t)load16(p));
        break;
    case JET_coltypUnsignedShort:
        fprintf(to, "%u", load16(p));
        break;
    case JET_coltypLong:
        fprintf(to, "%d", (int32_t)load32(p));
        break;
    case JET_coltypUnsignedLong:
        fprintf(to, "%u", load32(p));
        break;
    case JET_coltypCurrency:
    case JET_coltypLongLong:
        fprintf(to, "%lld", (long long)load64(p));
        break;
    default:
        fprintf(to, "%llu", (unsigned long long)load64(p));
        break;
    }
    return VALUE_RAW;
}

/* ---- text ---- */

static void put_utf8(FILE *to, uint32_t c) {
    if (c < 0x80) {
        fputc((int)c, to);
    } else if (c < 0x800) {
        fprintf(to, "%c%c", 0xc0 | c >> 6, 0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        fprintf(to, "%c%c%c", 0xe0 | c >> 12, 0x80 | (c >> 6 & 0x3f), 0x80 | (c & 0x3f));
    } else {
        fprintf(to, "%c%c%c%c", 0xf0 | c >> 18, 0x80 | (c >> 12 & 0x3f), 0x80 | (c >> 6 & 0x3f), 0x80 | (c & 0x3f));
    }
}

/* The character at *at of UTF-16LE text; UINT32_MAX: none that is valid. */
static uint32_t next_utf16(struct slice text, size_t *at) {
    uint32_t high = load16(text.p + *at);
    *at += 2;
    if (high < 0xd800 || high > 0xdfff)
        return high;
    if (high > 0xdbff || *at + 2 > text.n)
        return UINT32_MAX;
    uint32_t low = load16(text.p + *at);
    *at += 2;
    return low < 0xdc00 || low > 0xdfff ? UINT32_MAX : 0x10000 + ((high & 0x3ff) << 10 | (low & 0x3ff));
}

static bool utf16_valid(struct slice text) {
    size_t at = 0;
    if (text.n % 2)
        return false;
    while (at < text.n) {
        if (next_utf16(text, &at) == UINT32_MAX)
            return false;
    }
    return true;
}

/* Code page 1252 where it is not Latin-1; the five bytes without a character are those of C1. */
static const uint16_t cp1252[32] = {
    0x20ac, 0x81,   0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x8d,   0x017d, 0x8f,   0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x9d,   0x017e, 0x0178,
};

static bool is_ascii(struct slice text) {
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] >= 0x80)
            return false;
    }
    return true;
}

static enum value_form text_text(FILE *to, const struct column *column, struct slice value) {
    if (column->code_page == 1200) {
        if (!utf16_valid(value))
            return hex_text(to, value, VALUE_HEX);
        for (size_t at = 0; at < value.n;)
            put_utf8(to, next_utf16(value, &at));
        return VALUE_STRING;
    }
    if (column->code_page != 1252 && column->code_page != 0 && !is_ascii(value))
        return hex_text(to, value, VALUE_HEX);
    for (size_t i = 0; i < value.n; i++)
        put_utf8(to, value.p[i] >= 0x80 && value.p[i] < 0xa0 ? cp1252[value.p[i] - 0x80] : value.p[i]);
    return VALUE_STRING;
}

/* ---- all types ---- */

enum value_form value_text(FILE *to, const struct column *column, struct slice value) {
    size_t bytes = coltyp_bytes(column->type);
    if (bytes && value.n != bytes)
        return hex_text(to, value, VALUE_HEX);
    switch (column->type) {
    case JET_coltypIEEESingle:
        return float_text(to, load_float(value.p), 6, 9);
    case JET_coltypIEEEDouble:
        return float_text(to, load_double(value.p), 15, 17);
    case JET_coltypDateTime:
        return date_text(to, load_double(value.p));
    case JET_coltypGUID:
        return guid_text(to, value.p);
    case JET_coltypText:
    case JET_coltypLongText:
        return text_text(to, column, value);
    case JET_coltypBinary:
    case JET_coltypLongBinary:
        return hex_text(to, value, VALUE_STRING);
    default:
        return bytes ? integer_text(to, column->type, value.p) : hex_text(to, value, VALUE_HEX);
    }
}

const char *coltyp_name(JET_COLTYP type) {
    static const char *const names[] = {
        [JET_coltypBit] = "Bit",
        [JET_coltypUnsignedByte] = "UnsignedByte",
        [JET_coltypShort] = "Short",
        [JET_coltypLong] = "Long",
        [JET_coltypCurrency] = "Currency",
        [JET_coltypIEEESingle] = "IEEESingle",
        [JET_coltypIEEEDouble] = "IEEEDouble",
        [JET_coltypDateTime] = "DateTime",
        [JET_coltypBinary] = "Binary",
        [JET_coltypText] = "Text",
        [JET_coltypLongBinary] = "LongBinary",
        [JET_coltypLongText] = "LongText",
        [JET_coltypUnsignedLong] = "UnsignedLong",
        [JET_coltypLongLong] = "LongLong",
        [JET_coltypGUID] = "GUID",
        [JET_coltypUnsignedShort] = "UnsignedShort",
        [JET_coltypUnsignedLongLong] = "UnsignedLongLong",
    };
    const char *name = type < sizeof names / sizeof names[0] ? names[type] : NULL;
    return name ? name : "unknown";
}

/* Values of columns as text. */
#ifndef ESENT_TOOLS_VALUE_H
#define ESENT_TOOLS_VALUE_H

#include <stdio.h>

#include "engine/rec.h"

enum value_form {
    VALUE_RAW,    /* a number, true or false */
    VALUE_STRING, /* UTF-8 */
    VALUE_HEX,    /* bytes that are not what the column's type says, in hexadecimal */
};
/* Writes the text of a value that is not NULL to `to`. */
enum value_form value_text(FILE *to, const struct column *column, struct slice value);
const char *coltyp_name(JET_COLTYP type);

#endif

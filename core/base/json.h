/* SPDX-License-Identifier: Apache-2.0 */
/* base/json.h: JSON in and out. */
#ifndef ADZE_BASE_JSON_H
#define ADZE_BASE_JSON_H

#include "base/value.h"

/* Reads JSON text (RFC 8259; duplicate keys are an error) into a document, as adze_toml_parse
 * does, of at most 64 MiB. null is refused: none of our files has it. */
ADZE_MUST_CHECK adze_error *adze_json_parse (const char *name, const char *text, size_t size,
                                             adze_document *document);

/* Appends VALUE as JSON. INDENT spaces a level; 0 is one line. Bytes that are not UTF-8 become
 * U+FFFD; infinities and NaN, which JSON lacks, become the strings "inf", "-inf", "nan". */
void adze_json_write (const adze_value *value, unsigned indent, adze_buffer *into);

/* One entry of a list or table that is written piece by piece, since all of it at once would be a
 * large tree: with the comma before it unless it is the FIRST, LEVEL deep. */
void adze_json_write_entry (const adze_value *value, unsigned indent, unsigned level, bool first,
                            adze_buffer *into);

/* Building: each makes a value and appends it to TABLE under KEY (or to a list, KEY NULL). The
 * result is the new value, or NULL without memory. A NULL TABLE gives NULL, so that calls chain;
 * a caller checks once, at the end, with adze_json_failed. The first table or list is made with
 * adze_value_new. */
adze_value *adze_json_table (adze_value *into, const char *key);
adze_value *adze_json_list (adze_value *into, const char *key);
/* COUNT tables of a list that are made while it is written (adze_value_series), behind all others.
 * CONTEXT must last as long. */
void adze_json_series (adze_value *list, size_t count,
                       bool (*fill) (const void *context, size_t number, adze_value *table),
                       const void *context);
adze_value *adze_json_string (adze_value *into, const char *key, const char *text); /* NULL text:
                                                                                      left out */
adze_value *adze_json_int (adze_value *into, const char *key, int64_t number);
adze_value *adze_json_float (adze_value *into, const char *key, double number);
adze_value *adze_json_bool (adze_value *into, const char *key, bool truth);
/* ROOT is NULL, or memory did not suffice for something in it. */
bool adze_json_failed (const adze_value *root);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* base/value.h: what a TOML or JSON document says, as a tree that remembers where it said it.
 *
 * Manifests, configuration, the registry's cache and pipelines are all read through this tree, so
 * that their readers are written once and every complaint can name file, line and column.
 */
#ifndef ADZE_BASE_VALUE_H
#define ADZE_BASE_VALUE_H

#include "base/buffer.h"

typedef enum adze_value_type {
  ADZE_VALUE_BOOL = 1,
  ADZE_VALUE_INT,
  ADZE_VALUE_FLOAT,
  ADZE_VALUE_STRING,
  ADZE_VALUE_DATE, /* TOML's dates and times, kept as their normalised text */
  ADZE_VALUE_LIST,
  ADZE_VALUE_TABLE
} adze_value_type;

/* Which of TOML's four kinds a DATE is; the conformance suite tells them apart. */
typedef enum adze_date_kind {
  ADZE_DATE_NONE = 0,
  ADZE_DATE_OFFSET_DATETIME,
  ADZE_DATE_LOCAL_DATETIME,
  ADZE_DATE_LOCAL_DATE,
  ADZE_DATE_LOCAL_TIME
} adze_date_kind;

typedef struct adze_value adze_value;
typedef struct adze_document adze_document;

/* Tables in a list that are not there: each is made when it is written as JSON, and gone then, since
 * all of them at once would be a large tree. Nobody else sees them. Where FILL says false there is
 * none of that number. */
typedef struct adze_value_series {
  bool (*fill) (const void *context, size_t number, adze_value *table);
  const void *context;
  size_t count;
} adze_value_series;

struct adze_value {
  adze_value_type type;
  adze_date_kind date;
  /* Of the value itself; key_line and key_column of the key in front of it. 1-based; 0: unknown,
   * as in JSON. */
  uint32_t line, column;
  uint32_t key_line, key_column;
  /* Where these count, for a value that was put into the tree of another document; NULL: in the
   * document that it is a part of. */
  const adze_document *origin;
  char *key; /* in a table; else NULL. NUL-terminated; may hold NULs inside */
  size_t key_size;
  bool boolean;
  int64_t integer;
  double real;
  char *string; /* NUL-terminated; may hold NULs inside */
  size_t string_size;
  /* Entries of a list or table, in the order of the document. */
  adze_value **items;
  size_t count;
  size_t capacity;
  bool failed; /* memory did not suffice for an entry: adze_json_failed */
  adze_value_series *series; /* further entries of a list, behind ITEMS; NULL: none */
};

adze_value *adze_value_new (adze_value_type type); /* NULL without memory */
void adze_value_free (adze_value *value);
static inline void
adze_value_cleanup (adze_value **value)
{
  adze_value_free (*value);
}
#define ADZE_AUTO_VALUE __attribute__ ((cleanup (adze_value_cleanup))) adze_value *

/* Appends ITEM, under KEY (copied) for a table. Takes ITEM over, also when it fails. Whether a
 * table has the key already is for the caller to know. */
ADZE_MUST_CHECK adze_error *adze_value_append (adze_value *into, const char *key,
                                               adze_value *item);
/* The same for a key of a document, which may hold NULs. */
ADZE_MUST_CHECK adze_error *adze_value_append_sized (adze_value *into, const char *key,
                                                     size_t key_size, adze_value *item);

/* Gives a STRING or DATE its text (copied); false without memory. */
bool adze_value_set_text (adze_value *value, const char *text, size_t size);

/* NULL when TABLE is NULL, not a table or has no such key. */
const adze_value *adze_value_get (const adze_value *table, const char *key);

/* "a string", "an integer", "a list" ...: for messages. */
const char *adze_value_type_name (adze_value_type type);

/* Deep copy; NULL without memory. */
adze_value *adze_value_copy (const adze_value *value);

/* Same type and content. Tables may differ in the order of their keys; NaN equals NaN. */
bool adze_value_equal (const adze_value *a, const adze_value *b);

/* The fewest digits that read back to the same value, always with a point or an exponent, or "inf",
 * "-inf", "nan"; the same in every locale. */
#define ADZE_REAL_TEXT 32
void adze_real_text (double value, char text[ADZE_REAL_TEXT]);

/* Appends VALUE as TOML that fits on one line: "text", 1.5, [1, 2], { a = 1 }. Floats are written
 * by adze_real_text; bytes that are not UTF-8 become U+FFFD. */
void adze_value_write_toml (const adze_value *value, adze_buffer *into);

/* A document and its text, for complaints that show the line. */
struct adze_document {
  char *path; /* as it was named; "<command line>" ... for what is no file */
  char *text; /* NULL: unknown */
  adze_value *root;
};

void adze_document_cleanup (adze_document *document);

/* An error about a place of a document: "PATH:LINE:COLUMN: message", with the offending line and
 * a caret as facts ("line", "column", "source", "caret"). AT may be NULL: the whole file. */
ADZE_MUST_CHECK ADZE_PRINTF (3, 4) adze_error *adze_document_error (const adze_document *document,
                                                                    const adze_value *at,
                                                                    const char *format, ...);
/* The same for the key in front of the value, where that is known. */
ADZE_MUST_CHECK ADZE_PRINTF (3, 4) adze_error *adze_document_key_error (
    const adze_document *document, const adze_value *at, const char *format, ...);

/* The one of COUNT names that WORD was probably meant to be, or NULL: for "did you mean". */
const char *adze_nearest (const char *word, const char *const *names, size_t count);

#endif

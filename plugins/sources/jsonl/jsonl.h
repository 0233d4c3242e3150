/* SPDX-License-Identifier: Apache-2.0 */
/* jsonl.h: what the files of this plugin share.
 *   jsonl.c        parameters and callbacks
 *   jsonl_read.c   one line of JSON into values
 *   jsonl_value.c  single values: strings and numbers */
#ifndef ADZE_PLUGIN_JSONL_H
#define ADZE_PLUGIN_JSONL_H

#include <adze/sdk.h>

/* Arrays in arrays, of a field; and anything in anything else. */
#define JSONL_RANK_MAX 8
#define JSONL_DEPTH_MAX 64
#define JSONL_FIELDS_MAX 4096

typedef enum jsonl_type { JSONL_NOTHING = 0, JSONL_NUMBER, JSONL_BOOL, JSONL_TEXT } jsonl_type;

typedef struct jsonl_number {
  double real;
  int64_t whole; /* when it is one */
} jsonl_number;

/* What a field holds, in all lines so far. */
typedef struct jsonl_form {
  jsonl_type type; /* JSONL_NOTHING: null, or absent */
  int32_t rank;
  int64_t shape[JSONL_RANK_MAX];
  bool whole; /* numbers without fraction and exponent that 64 bits hold */
} jsonl_form;

typedef struct jsonl_field {
  char *name;
  size_t name_size;
  jsonl_form form;
  uint64_t gap; /* the first line without a value; 0: none */
  /* In the line that was read last. */
  bool given;
  jsonl_form found;
  adze_bytes numbers; /* jsonl_number each; a bool is one, too */
  adze_bytes text;
} jsonl_field;

typedef struct jsonl_fields {
  jsonl_field *fields;
  size_t count, capacity;
  bool discover; /* every key is a field: the first line when none were named */
} jsonl_fields;

/* A line, and how far it was read. It has a NUL behind its last byte. */
typedef struct jsonl_line {
  const adze_host *host;
  const char *path;
  uint64_t number; /* from 1 on */
  const char *text;
  size_t size, at;
} jsonl_line;

/* Reads the object that the line is into what the fields found. */
adze_status jsonl_read_line (jsonl_line *line, jsonl_fields *fields, adze_bytes *scratch);

/* ---- jsonl_value.c */

/* "PATH:LINE:COLUMN: expected NEEDED, found ..." */
adze_status jsonl_expected (const jsonl_line *line, const char *needed);
#if defined __GNUC__
__attribute__ ((format (printf, 2, 3)))
#endif
adze_status jsonl_fail (const jsonl_line *line, const char *format, ...);

void jsonl_skip_blanks (jsonl_line *line);
/* The next byte, blanks passed over; 0 at the end. */
char jsonl_peek (jsonl_line *line);
/* A string, its first quote being next, into INTO (which is emptied); INTO may be NULL. */
adze_status jsonl_read_string (jsonl_line *line, adze_bytes *into);
adze_status jsonl_read_number (jsonl_line *line, jsonl_number *number, bool *whole);
/* WORD must be next. */
adze_status jsonl_read_word (jsonl_line *line, const char *word);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline/reader.h: what the parts of the reader share. Private to core/pipeline.
 *
 * Each part reads its tables, complains of all that is wrong with them and goes on: a person wants to
 * come back once, not once a mistake. What a complaint was about is left out of the pipeline, which
 * nobody will see if there was one.
 */
#ifndef ADZE_PIPELINE_READER_H
#define ADZE_PIPELINE_READER_H

#include "pipeline/pipeline.h"

/* Beyond these nobody reads on. */
#define ADZE_COMPLAINTS_MAX 100
/* Stages, rules of a stage, inputs ...: each looks at all others. */
#define ADZE_TABLES_MAX 4096

typedef struct adze_reader {
  adze_runtime *runtime;
  adze_pipeline *pipeline;
  const adze_document *document; /* the pipeline's */
  bool looking;                  /* nothing will be written */
  adze_error **complaints;
  size_t count;
  size_t left_out;
  adze_error *broken; /* no mistake of the file: memory, a plugin folder that cannot be read */
} adze_reader;

/* ---- reader.c: complaints. */

/* Takes ERROR over; NULL is none. */
void adze_complain (adze_reader *reader, adze_error *error);
/* The same about AT, or the key in front of it; NULL: the whole file. */
ADZE_PRINTF (3, 4)
void adze_complain_at (adze_reader *reader, const adze_value *at, const char *format, ...);
ADZE_PRINTF (3, 4)
void adze_complain_key (adze_reader *reader, const adze_value *at, const char *format, ...);
/* The same, with the fact "hint" (NULL: none). */
ADZE_PRINTF (4, 5)
void adze_complain_hint (adze_reader *reader, const adze_value *at, const char *hint,
                         const char *format, ...);
ADZE_PRINTF (4, 5)
void adze_complain_key_hint (adze_reader *reader, const adze_value *at, const char *hint,
                             const char *format, ...);
/* What ERROR, which knows no place, says (and its causes) is about AT. Takes it over. */
void adze_complain_of (adze_reader *reader, const adze_value *at, adze_error *error);
/* All complaints as one error, in the order of the file; NULL: there was none. Once, at the end. */
ADZE_MUST_CHECK adze_error *adze_reader_finish (adze_reader *reader);

/* ---- reader.c: values. Each says no, and complains, when KEY is there and is no such thing; with
 * NEEDED, also when it is not there. *VALUE stays as it is then. */

/* A table's entry; NULL: none, or complained of. */
const adze_value *adze_read_string (adze_reader *reader, const adze_value *table, const char *key,
                                    const char *needed);
bool adze_read_bool (adze_reader *reader, const adze_value *table, const char *key, bool *value);
bool adze_read_int (adze_reader *reader, const adze_value *table, const char *key, int64_t least,
                    int64_t most, int64_t *value);
/* One of "a|b|c"; *VALUE is that of the document. */
bool adze_read_choice (adze_reader *reader, const adze_value *table, const char *key,
                       const char *choices, const char **value);
/* "2GiB", or a whole number of bytes. */
bool adze_read_bytes (adze_reader *reader, const adze_value *table, const char *key,
                      uint64_t *value);
/* "10s" */
bool adze_read_time (adze_reader *reader, const adze_value *table, const char *key,
                     int64_t *milliseconds);

/* ENTRY must be a table; WHAT is how one is written: "[run]". */
bool adze_is_table (adze_reader *reader, const adze_value *entry, const char *what);
/* ENTRY must be a list of tables; "[[stage]]". NULL gives 0 of them. */
size_t adze_table_count (adze_reader *reader, const adze_value *entry, const char *what);

/* Complains of the keys of TABLE that are not in KNOWN, "a|b". WHERE is what has those: "[run]". */
void adze_check_keys (adze_reader *reader, const adze_value *table, const char *known,
                      const char *where);
/* ITEM, which is no key of WHERE: is it one of the pipeline? Then that is complained of. */
bool adze_is_misplaced (adze_reader *reader, const adze_value *item, const char *where);
/* Is NAME (of what WHAT says) one that may be referred to? Complains at AT. */
bool adze_check_name (adze_reader *reader, const adze_value *at, const char *name,
                      const char *what);
/* The same for the key in front of the table AT. */
bool adze_check_key_name (adze_reader *reader, const adze_value *at, const char *what);

/* ---- component.c: components and their parameters. */

/* The component of this KIND that AT names; NULL: complained of. RECORD may be NULL. */
const adze_manifest_component *adze_reader_find (adze_reader *reader, const char *kind,
                                                 const adze_value *at, adze_plugin_record **record);
/* What "use" of TABLE says, a component of this KIND; NULL: complained of. OWNER is what needs it,
 * "this stage". */
const adze_value *adze_reader_use (adze_reader *reader, const adze_value *table, const char *owner,
                                   const char *kind);

/* The keys of a table that are no parameters. */
typedef struct adze_own_keys {
  const char *owner;         /* who has them: "a stage" */
  const char *const *all;    /* NULL-terminated */
  const char *const *shown;  /* those that one may write there; NULL: all */
} adze_own_keys;

/* Checks the parameters of TABLE, and copies them to *SETTINGS (NULL when it gives none). PARTIAL: a
 * rule, which says what differs. */
void adze_reader_params (adze_reader *reader, const adze_manifest_component *component,
                         const adze_value *table, const adze_own_keys *own, bool partial,
                         adze_value **settings);
/* "ref", or a component of kind backend; NULL: not given, or complained of. */
const char *adze_reader_backend (adze_reader *reader, const adze_value *table);

/* ---- The parts, in the order in which they are called. */

void adze_read_host_keys (adze_reader *reader); /* read.c */
void adze_read_inputs (adze_reader *reader);    /* inputs.c */
void adze_read_data (adze_reader *reader);      /* inputs.c */
void adze_read_observers (adze_reader *reader); /* stages.c */
void adze_read_stages (adze_reader *reader);    /* stages.c */
void adze_read_outputs (adze_reader *reader);   /* outputs.c */

/* The path that AT gives, absolute; to be freed. NULL: no memory, which is remembered. */
char *adze_reader_path (adze_reader *reader, const adze_value *at);

/* ---- ports.c */

/* Binds the in-ports of stage number INDEX, all in front of it being bound. */
void adze_bind_ports (adze_reader *reader, size_t index);
/* What REFERENCE ("STAGE.PORT", "input.NAME", "data.NAME") means for stage number INDEX, which is
 * not there yet; the number of stages: for an output. False: complained of. */
bool adze_bind_reference (adze_reader *reader, size_t index, const adze_value *reference,
                          adze_binding *binding);
/* The newest TYPE given in front of stage number INDEX, else the only input of that type. False:
 * there are several, or, which is no mistake unless it is REQUIRED, there is none. WHAT is who
 * takes it and HOW one says what, for a complaint at AT. */
bool adze_bind_newest (adze_reader *reader, size_t index, const char *type, const adze_value *at,
                       const char *what, const char *how, bool required, adze_binding *binding);

/* ---- set.c */

/* Puts what a "stage.qat.epochs=1" says into the tree. Documents that its values lie in become the
 * pipeline's. */
void adze_apply_settings (adze_reader *reader, const char *const *settings);

#endif

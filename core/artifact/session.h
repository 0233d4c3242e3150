/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/session.h: a format at work: its desk, its parameters, its open files. Private to the
 * files of this folder that call formats.
 *
 *   session.c  which formats there are, and a desk for one of them
 *   open.c     recognising and reading
 *   catalog.c  adze.catalog/1
 *   traits.c   adze.traits in a model's metadata
 *   layout.c   adze.cargo/1 and adze.layout/1
 *   blocks.c   blocks of codecs, where a format has bytes alone
 *   carries.c  what a format can hold: a tensor, a model
 *   writer.c   files under temporary names that become whole ones
 */
#ifndef ADZE_ARTIFACT_SESSION_H
#define ADZE_ARTIFACT_SESSION_H

#include <adze/draft/format.h>

#include "artifact/files.h"
#include "artifact/format.h"

typedef struct adze_format_session {
  adze_files files; /* first, for adze.file/1 */
  adze_runtime *runtime;
  adze_plugin_record *record;
  const adze_manifest_component *component;
  adze_format callbacks;
  adze_params *params;
  adze_desk *desk;
  bool inside; /* the plugin's lock is taken */
  adze_desk_frame frame;
  /* What the callback in progress may be handed; NULL: not in this one. */
  adze_catalog *catalog;
  const adze_cargo *cargo;
  adze_layout *layout;
} adze_format_session;

#define ADZE_STRUCTURE_LIMIT ((uint64_t)100000000)

/* The formats that may run in this process, sorted: one whose id is the ending of PATH (may be
 * NULL) first, then by id. *FORMATS is to be freed. */
typedef struct adze_format_choice {
  adze_plugin_record *record;
  const adze_manifest_component *component;
} adze_format_choice;
ADZE_MUST_CHECK adze_error *adze_formats_list (adze_runtime *runtime, const char *path,
                                               adze_format_choice **formats, size_t *count);
/* The callbacks of one, loaded if it was not. */
ADZE_MUST_CHECK adze_error *adze_format_load (adze_runtime *runtime,
                                              const adze_format_choice *choice,
                                              adze_format *callbacks);
/* The same where others may answer: one that does not load is passed over, with a warning. */
ADZE_MUST_CHECK adze_error *adze_format_try (adze_runtime *runtime,
                                             const adze_format_choice *choice,
                                             adze_format *callbacks, bool *usable);
/* Does the file name end as one of the format's EXTENSIONS? */
bool adze_format_ending (const char *extensions, const char *path);

/* By id; refuses components of another kind, and those of folders that are not trusted. OPTIONS may
 * be NULL. On failure there is nothing to close. */
ADZE_MUST_CHECK adze_error *adze_session_open (adze_runtime *runtime, const char *format,
                                               const adze_format_options *options,
                                               adze_format_session *session);
/* The same for those who stand above this folder and offer the format services of their own. Theirs
 * asks adze_session_services for what it does not know. */
typedef const void *adze_session_services_fn (const char *id, bool bare);
const void *adze_session_services (const char *id, bool bare);
ADZE_MUST_CHECK adze_error *adze_session_open_with (adze_runtime *runtime, const char *format,
                                                    const adze_format_options *options,
                                                    adze_session_services_fn *services,
                                                    adze_format_session *session);
/* Says what the format kept as an event and in the log. */
void adze_session_close (adze_format_session *session);

/* Around each callback. */
void adze_session_enter (adze_format_session *session);
ADZE_MUST_CHECK adze_error *adze_session_leave (adze_format_session *session, const char *callback,
                                                adze_status status);

/* carries.c: what the session's format says of such a tensor. */
ADZE_MUST_CHECK adze_error *adze_session_ask (adze_format_session *session, const adze_tensor_meta *meta);
/* Can the session's format hold such a tensor? The refusal lists the formats that can. */
ADZE_MUST_CHECK adze_error *adze_session_carries (adze_format_session *session,
                                                  const adze_tensor_meta *meta);

/* Has the session's format a place for what belongs to the tensor, if that is codes? */
ADZE_MUST_CHECK adze_error *adze_session_takes_codes (adze_format_session *session,
                                                      const adze_model_tensor *tensor);

/* A name from a file, quoted, and cut where it is long. */
#define ADZE_QUOTED_NAME 160
const char *adze_quoted_name (const char *name, size_t size, char text[ADZE_QUOTED_NAME]);

/* ---- catalog.c */

extern const adze_catalog_service adze_catalogs;

/* A catalog that fills MODEL in, whose files are those of the session. */
ADZE_MUST_CHECK adze_error *adze_catalog_open (adze_format_session *session, adze_model *model,
                                               uint64_t limit, adze_catalog **catalog);
/* What can only be said once everything was told: overlaps, holes. */
ADZE_MUST_CHECK adze_error *adze_catalog_finish (adze_catalog *catalog);
void adze_catalog_close (adze_catalog *catalog);

/* ---- traits.c */

#define ADZE_TRAITS_KEY "adze.traits"
/* Takes the traits out of the model's metadata and gives them to its tensors. LIMIT on structure;
 * 0: the preset. */
ADZE_MUST_CHECK adze_error *adze_traits_take (adze_runtime *runtime, uint64_t limit,
                                             adze_model *model);
/* The traits of all tensors as the metadata entry that carries them, for a format that has PACKED codes or
 * not; *TEXT is NULL when there are none, else to be freed. */
ADZE_MUST_CHECK adze_error *adze_traits_text (adze_runtime *runtime, const adze_model *model, bool packed,
                                              char **text);

/* ---- layout.c */

extern const adze_cargo_service adze_cargos;
extern const adze_layout_service adze_layouts;

#endif

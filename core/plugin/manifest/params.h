/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/manifest/params.h: tables of parameters: are they sensible, and does a value fit? */
#ifndef ADZE_PLUGIN_PARAMS_H
#define ADZE_PLUGIN_PARAMS_H

#include "base/file.h"
#include "plugin/manifest/manifest.h"

/* Is the whole declaration sound? Names well formed, unique, not reserved and no port's; types
 * known; presets parse and lie in their own range; ranges parse; choices given; help given; ports
 * likewise. An error without file or place: the caller knows those. */
ADZE_MUST_CHECK adze_error *adze_params_check (const adze_manifest_component *component);

/* The same for parameter or port number INDEX alone, those in front of it being sound. *FIELD is
 * what a manifest calls the member at fault. */
ADZE_MUST_CHECK adze_error *adze_param_check (const adze_manifest_component *component,
                                              size_t index, const char **field);
ADZE_MUST_CHECK adze_error *adze_port_check (const adze_manifest_component *component,
                                             size_t index, const char **field);

/* An interval, "[0, 1)". Integers are compared as such, so that 2^63 - 1 is exact. */
typedef struct adze_range {
  bool low_open, high_open;
  bool low_whole, high_whole; /* written as an integer of 64 bits, or infinite */
  double low, high;
  int64_t low_integer, high_integer; /* of whole and finite bounds */
} adze_range;

ADZE_MUST_CHECK adze_error *adze_range_parse (const char *text, adze_range *range);
bool adze_range_has_int (const adze_range *range, int64_t number);
bool adze_range_has_float (const adze_range *range, double number);

/* Is VALUE of the parameter's type, and in its range or among its choices? Of a list or a map, only
 * whether it is one: its entries are asked about one by one. An error without place, with the
 * facts needed and found. */
ADZE_MUST_CHECK adze_error *adze_param_fit (const adze_param *param, const adze_value *value);
ADZE_MUST_CHECK adze_error *adze_param_fit_entry (const adze_param *param,
                                                  const adze_value *entry);

/* Is it, as its help says, a format's for files that are written and no others? */
bool adze_param_writes_only (const adze_param *param);

/* Does it count bytes, so that one may write a size, "2GiB"? */
bool adze_param_is_size (const adze_param *param);
/* Such a size as the value of such a parameter: *SIZE, which is at the same place, is its number. It
 * stays NULL for everything else. */
ADZE_MUST_CHECK adze_error *adze_param_size (const adze_param *param, const adze_value *value,
                                             adze_value **size);

/* String, choice, files or component: types whose values need no quotes. */
bool adze_param_is_text (uint32_t type);

/* What TEXT says as the value of a parameter of TYPE: TOML, or plain text where the type allows
 * it. Columns are counted as if TEXT began at COLUMN of its line. */
ADZE_MUST_CHECK adze_error *adze_param_text (uint32_t type, const char *text, size_t column,
                                             adze_value **value);

/* The preset as a value that fits, floats always as such; *VALUE stays NULL when there is none. */
ADZE_MUST_CHECK adze_error *adze_param_preset (const adze_param *param, adze_value **value);

/* Is VALUE the empty text, which says of a file or a component that there is none? Only a preset that is
 * empty, too, allows it. */
bool adze_param_left_out (const adze_param *param, const adze_value *value);

/* A copy of VALUE, which fits, that is the same however it was written: sizes are numbers of bytes,
 * and floats always floats. */
ADZE_MUST_CHECK adze_error *adze_param_typed (const adze_param *param, const adze_value *value,
                                              adze_value **typed);
/* The same of what SETTINGS (NULL: nothing) say of the parameter, or its preset; of PARTIAL ones, a
 * rule's, *VALUE stays NULL where they say nothing. */
ADZE_MUST_CHECK adze_error *adze_param_given (const adze_param *param, const adze_value *settings,
                                              bool partial, adze_value **value);

/* The values of one instance. adze_params of the SDK is this struct. Entries in the order of the
 * table; of lists and maps, in the order given. */
struct adze_params {
  size_t count;
  struct adze_param_value {
    char *name;
    uint32_t type; /* adze_param_type */
    bool given;    /* somebody said it; else it is the preset */
    bool boolean;
    int64_t integer;
    double real;
    char *string;
    adze_file_identity file; /* of a file, before anybody could read it by this; in a worker zeros */
    adze_params *nested;
  } *values;
};

/* Checks what a person wrote against the table, and fills in the presets. TABLE (may be NULL: all
 * presets) lies in DOCUMENT (may be NULL then). All complaints are in one error: of several, each
 * has a line of its message, and the facts are the first one's. Keys in IGNORE (NULL-terminated,
 * may be NULL) are the host's. A file's path is taken relative to FOLDER (NULL: the current one)
 * and must be that of a file that can be read, or written where the table says so; only one whose
 * preset is the empty text may be empty, which says that there is none. Components are looked up
 * through FIND, whose answer is the component's declaration; a NULL FIND refuses component
 * parameters. */
typedef adze_error *(*adze_params_find) (void *context, const char *kind, const char *id,
                                         const adze_manifest_component **component);
ADZE_MUST_CHECK adze_error *adze_params_bind (const adze_manifest_component *component,
                                              const adze_document *document,
                                              const adze_value *table, const char *const *ignore,
                                              const char *folder, adze_params_find find,
                                              void *find_context, adze_params **params);

/* The same for whoever wants each complaint as an error of its own, with its place; COMPLAIN takes
 * it over. *PARAMS is what could be made of the rest, to be freed; the error is lack of memory. */
typedef struct adze_params_request {
  const adze_document *document;
  const adze_value *table;
  const char *const *ignore;
  /* Who has the table, "a stage", and which of IGNORE one may write there, for complaints; NULL:
   * nobody, and all of them. */
  const char *owner;
  const char *const *own;
  const char *folder;
  adze_params_find find;
  void *find_context;
  /* Nothing will be written, so that the folder of a file to be written may be gone. */
  bool looking;
  /* What TABLE does not give is neither filled in nor missed: a rule says what differs. */
  bool partial;
  void (*complain) (void *context, adze_error *error);
  void *complain_context;
} adze_params_request;
ADZE_MUST_CHECK adze_error *adze_params_examine (const adze_manifest_component *component,
                                                 const adze_params_request *request,
                                                 adze_params **params);

void adze_params_free (adze_params *params);
static inline void
adze_params_cleanup (adze_params **params)
{
  adze_params_free (*params);
}
#define ADZE_AUTO_PARAMS __attribute__ ((cleanup (adze_params_cleanup))) adze_params *

/* "name = value" lines as a table of a document named "<settings>"; the TOML quotes around a plain
 * word may be left out where the table wants text. The document is filled in also on failure. */
ADZE_MUST_CHECK adze_error *adze_settings_parse (const adze_manifest_component *component,
                                                 const char *const *settings,
                                                 adze_document *document);

/* Settings are no file that somebody wrote: what is malformed in them is a wrong parameter. Takes
 * ERROR (or NULL) over. */
ADZE_MUST_CHECK adze_error *adze_settings_error (adze_error *error);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* adze/param.h: the parameters of a component. Tier: stable.
 *
 * One table says everything about them, once. The host checks what a person wrote against it, and
 * prints it: as `adze inspect`, manual page, manifest and JSON schema. A component is never handed
 * a value that its table does not allow.
 *
 *   static const adze_param params[] = {
 *     { .name = "sparsity", .type = ADZE_PARAM_FLOAT, .preset = "0.5", .range = "[0, 1)",
 *       .help = "share of the weights that become zero" },
 *     { .name = NULL }
 *   };
 */
#ifndef ADZE_PARAM_H
#define ADZE_PARAM_H

#include <stddef.h>
#include <string.h>

#include <adze/error.h>
#include <adze/host_table.h>

ADZE_BEGIN_DECLS

typedef enum adze_param_type {
  ADZE_PARAM_BOOL = 1,
  ADZE_PARAM_INT = 2,       /* 64 bits, signed */
  ADZE_PARAM_FLOAT = 3,     /* double; an integer is taken too */
  ADZE_PARAM_STRING = 4,
  ADZE_PARAM_CHOICE = 5,    /* one of .choices */
  ADZE_PARAM_FILE = 6,      /* its content counts, not its path */
  ADZE_PARAM_COMPONENT = 7, /* a component of kind .component_kind, with its own parameters; with the preset ""
                               it may be left out, and its id is then the empty text */
  ADZE_PARAM_LIST = 8,      /* of .item */
  ADZE_PARAM_MAP = 9,       /* from names to .item */
  /* A file that an observer writes, and nobody reads: the host refuses one that is a model, a
   * dataset, an output or anything else that a pipeline has. Of observers alone: results of other
   * components are found again, and the file would not be written then. */
  ADZE_PARAM_OUTPUT_FILE = 10
} adze_param_type;

/* At most so many parameters; a table that is longer has lost its end. */
#define ADZE_PARAM_MAX 256

typedef struct adze_param {
  const char *name; /* lower case letters, digits, hyphens; NULL ends the table */
  uint32_t type;    /* adze_param_type */
  uint32_t item;    /* of a list or a map: bool to component; else 0 */
  /* The value when none is given, as it would stand in the TOML: "0.5", "\"magnitude\"",
   * "[1, 2]". NULL: it must be given. For string, choice, files and component the quotes may be
   * left out. */
  const char *preset;
  /* For int and float (and lists and maps of them): an interval, a bracket includes and a
   * parenthesis excludes: "[0, 1)", "[1, 64]", "(0, inf)". NULL: any value but NaN. */
  const char *range;
  const char *choices;        /* for choice: "global|tensor|channel" */
  const char *component_kind; /* for component: "codec" */
  const char *unit;           /* for people: "ms", "bytes"; NULL: none */
  const char *since;          /* the plugin's version that brought it; NULL: the first */
  const char *help;           /* one line, mandatory */
} adze_param;

/* Names that a pipeline needs for itself; a component that declares one is refused. The names of
 * a technique's ports are reserved for it too. */
#define ADZE_PARAM_RESERVED \
  "use|id|inputs|rule|require|backend|isolate|on-fallback|on-no-effect|match|skip|optional"

/* The values of one instance, checked and completed. Owned by the host; valid until the instance
 * is destroyed. */
typedef struct adze_params adze_params;

#define ADZE_PARAMS "adze.param/1"

/* Asking for a name that the table does not have, or for another type, is a fault of the plugin:
 * it gets 0 or NULL, the callback it happened in fails, and the message says which. */
typedef struct adze_params_service {
  uint32_t struct_size;

  /* [any] */
  bool (*get_bool) (const adze_params *params, const char *name);
  int64_t (*get_int) (const adze_params *params, const char *name);
  double (*get_float) (const adze_params *params, const char *name);
  /* [any] The text of a string or choice, the absolute path of a file (also of one that is
   * written; empty: none), the id of a component. */
  const char *(*get_string) (const adze_params *params, const char *name);
  /* [any] The parameters of a component; the entries of a list, named "0", "1" ..., or of a map, in
   * the order of their names however they were written. */
  const adze_params *(*get_nested) (const adze_params *params, const char *name);
  /* [any] How many values there are, and the name of one; NULL beyond the last. */
  size_t (*count) (const adze_params *params);
  const char *(*name_at) (const adze_params *params, size_t index);
  /* [any] Did somebody say this one? Else it is the preset. Only to refuse what says nothing: what is said and what
   * is preset must mean the same where they are the same. */
  bool (*is_given) (const adze_params *params, const char *name);
} adze_params_service;

/* Every host that hands over parameters has this service: a table of parameters without the means
 * to read them would be of no use. */
static inline const adze_params_service *
adze_params_of (const adze_host *host)
{
  return (const adze_params_service *)host->service (host, ADZE_PARAMS);
}

static inline bool
adze_param_bool (const adze_host *host, const adze_params *params, const char *name)
{
  return adze_params_of (host)->get_bool (params, name);
}

static inline int64_t
adze_param_int (const adze_host *host, const adze_params *params, const char *name)
{
  return adze_params_of (host)->get_int (params, name);
}

static inline double
adze_param_float (const adze_host *host, const adze_params *params, const char *name)
{
  return adze_params_of (host)->get_float (params, name);
}

static inline const char *
adze_param_string (const adze_host *host, const adze_params *params, const char *name)
{
  return adze_params_of (host)->get_string (params, name);
}

/* False on hosts that cannot tell. */
static inline bool
adze_param_is_given (const adze_host *host, const adze_params *params, const char *name)
{
  const adze_params_service *service = adze_params_of (host);
  return service->struct_size > offsetof (adze_params_service, is_given) && service->is_given (params, name);
}

/* Refuses two that say different things of the same, where somebody said both. */
static inline adze_status
adze_param_not_both (const adze_host *host, const adze_params *params, const char *one, const char *other)
{
  if (!adze_param_is_given (host, params, one) || !adze_param_is_given (host, params, other))
    return ADZE_OK;
  return adze_fail (host, ADZE_E_PARAM,
                    "the parameters '%s' and '%s' are both given, and only one of them can count; leave one out", one,
                    other);
}

/* Refuses one that somebody said, and that plays no part unless CHOOSER is one of WORDS ("channel|group"). */
static inline adze_status
adze_param_only_with (const adze_host *host, const adze_params *params, const char *name, const char *chooser,
                      const char *words)
{
  const char *chosen = adze_param_string (host, params, chooser);
  const size_t size = strlen (chosen);
  bool meant = false;
  for (const char *at = words; !meant && *at; at += strcspn (at, "|"), at += *at == '|')
    meant = strncmp (at, chosen, size) == 0 && (at[size] == '|' || !at[size]);
  if (meant || !adze_param_is_given (host, params, name))
    return ADZE_OK;
  return adze_fail (host, ADZE_E_PARAM,
                    "the parameter '%s' is given, and says nothing to %s = \"%s\": it is of \"%s\"; leave it out, or "
                    "choose that",
                    name, chooser, chosen, words);
}

ADZE_END_DECLS

#endif

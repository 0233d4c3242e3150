/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/manifest/manifest.h: what there is to know about a plugin without running it.
 *
 * A manifest is made in one of three ways: from a descriptor (plugin/descriptor.h), from the TOML
 * beside the plugin, or from the registry's cache. All three end in the same struct, and in the
 * same tree of values (adze_manifest_value), so that comparing, printing and storing are written
 * once. The strings of its tables are the manifest's own.
 */
#ifndef ADZE_PLUGIN_MANIFEST_H
#define ADZE_PLUGIN_MANIFEST_H

#include <adze/draft/technique.h>
#include <adze/plugin.h>

#include "base/value.h"
#include "plugin/manifest/names.h"

typedef struct adze_manifest_component {
  char *kind;
  uint32_t kind_revision;
  char *id;
  char *summary;
  uint32_t threading;
  uint32_t effect; /* adze_effect; 0 for what is no technique */
  adze_param *params;
  size_t param_count;
  adze_port *ports;
  size_t port_count;
} adze_manifest_component;

typedef struct adze_manifest {
  char *id;
  char *version;
  char *summary;
  char *license;
  char *file; /* the shared object's name, without folder; NULL for a foreign library */
  char *digest; /* NULL: not stamped */
  uint32_t abi_major, abi_minor;
  adze_manifest_component *components;
  size_t component_count;
  /* The [foreign] table as it was written; plugin/foreign/foreign.h reads it. NULL: a plugin. */
  adze_value *foreign;
} adze_manifest;

adze_manifest *adze_manifest_new (void); /* NULL without memory */
void adze_manifest_free (adze_manifest *manifest);
static inline void
adze_manifest_cleanup (adze_manifest **manifest)
{
  adze_manifest_free (*manifest);
}
#define ADZE_AUTO_MANIFEST __attribute__ ((cleanup (adze_manifest_cleanup))) adze_manifest *

const adze_manifest_component *adze_manifest_find (const adze_manifest *manifest, const char *id);

/* The TOML beside a plugin. The complaint about a bad one names file, line, column and reason,
 * and is a refusal of step manifest. */
ADZE_MUST_CHECK adze_error *adze_manifest_read (const char *path, adze_manifest **manifest);

/* The same for its text, once it was read: where a signature over that very text counts. */
ADZE_MUST_CHECK adze_error *adze_manifest_parse (const char *path, const char *text, size_t size,
                                                 adze_manifest **manifest);

/* The same from a table of a document that has been parsed: also a cache's entry. Applies every
 * check of plugin/manifest/params.h. */
ADZE_MUST_CHECK adze_error *adze_manifest_from_value (const adze_document *document,
                                                      const adze_value *table,
                                                      adze_manifest **manifest);

/* As a tree: NULL without memory. */
adze_value *adze_manifest_value (const adze_manifest *manifest);
/* One component's part of it. */
adze_value *adze_manifest_component_value (const adze_manifest_component *component);

/* As adze_json_table, but ITEM (taken over; NULL: there was no memory for it) is what is put in. */
void adze_manifest_put (adze_value *into, const char *key, adze_value *item);
/* The same for choices, "a|b", as a list of their words. */
void adze_manifest_put_choices (adze_value *into, const char *key, const char *choices);

/* As TOML: the golden form, and the form beside the plugin. Ends in a newline. */
ADZE_MUST_CHECK adze_error *adze_manifest_write (const adze_manifest *manifest,
                                                 adze_buffer *into);

/* NULL when both say the same (digest aside). Otherwise a refusal of step manifest about PATH that
 * names the first difference in words, "needed" being what the manifest says and "found" what the
 * binary says. */
ADZE_MUST_CHECK adze_error *adze_manifest_compare (const char *path,
                                                   const adze_manifest *manifest,
                                                   const adze_manifest *binary);

/* The ports that a component has: those that it declares or, for a technique that declares none,
 * what adze/draft/technique.h promises. */
const adze_port *adze_manifest_ports (const adze_manifest_component *component, size_t *count);

#endif

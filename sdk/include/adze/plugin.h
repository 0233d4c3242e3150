/* SPDX-License-Identifier: Apache-2.0 */
/* adze/plugin.h: what a plugin is. Tier: stable.
 *
 * A plugin is one shared object with one exported function, adze_entry, that returns a constant
 * descriptor. The host looks at magic, sizes and versions before it calls anything else of it.
 */
#ifndef ADZE_PLUGIN_H
#define ADZE_PLUGIN_H

#include <adze/host_table.h>
#include <adze/param.h>
#include <adze/threading.h>

ADZE_BEGIN_DECLS

/* Something that a pipeline can name. */
typedef struct adze_component {
  uint32_t struct_size;
  /* The revision of the kind's header that .callbacks was written against, such as
   * ADZE_TECHNIQUE_REVISION. For a draft kind it must equal the host's; for a stable one it is the
   * least that is needed. */
  uint32_t kind_revision;
  const char *kind;    /* ADZE_TECHNIQUE, ADZE_OBSERVER ...; an open id */
  const char *id;      /* lower case letters, digits, hyphens; unique among all plugins */
  const char *summary; /* one line, for `adze list` */
  const adze_param *params; /* ended by a NULL name; NULL: it takes none */
  uint32_t param_size;      /* sizeof (adze_param): how far apart the rows of the table lie */
  uint32_t threading;       /* adze_threading */
  const void *callbacks;    /* the kind's table: const adze_technique * ... */
} adze_component;

/* Components of a plugin, at most. */
#define ADZE_COMPONENT_MAX 256

typedef struct adze_plugin {
  uint32_t magic; /* ADZE_MAGIC */
  uint32_t struct_size;
  uint32_t abi_major;
  uint32_t abi_minor; /* the least that is needed: ADZE_API_VERSION */
  const char *id;     /* the file is called id.so, its manifest id.toml */
  const char *version;
  const char *summary; /* one line */
  const char *license; /* an SPDX expression */
  const adze_component *const *components; /* ended by NULL; at least one */

  /* Called once after the descriptor was accepted, before any component is used, and once before
   * the host ends; a worker process does the same on its own. NULL: nothing to do. Both must
   * stand being called again after the other. */
  adze_status (*init) (const adze_host *host);
  void (*deinit) (const adze_host *host);

  /* [any] What the host may ask the plugin for, by id; NULL is a legal answer, and a NULL member
   * means that the plugin has no extensions. */
  const void *(*extension) (const char *id);

  /* New members are appended here, each with the minor that it came with. */
} adze_plugin;

/* The four members that every descriptor begins with. */
#define ADZE_PLUGIN_HEAD \
  .magic = ADZE_MAGIC, .struct_size = sizeof (adze_plugin), .abi_major = ADZE_ABI_MAJOR, \
  .abi_minor = ADZE_API_VERSION

/* The entry symbol, and what it is called when plugins are linked into a program together: there
 * each one's carries its own name, which is the id with every other character than a letter or a
 * digit replaced by an underscore. libtool compiles a source twice and defines PIC for the shared
 * object; a build that wants the static one says ADZE_PLUGIN_STATIC. */
#define ADZE_PLUGIN_ENTRY "adze_entry"
#if defined ADZE_PLUGIN_STATIC && !defined PIC
#define ADZE_PLUGIN_SYMBOL_(name) name##_LTX_adze_entry
#else
#define ADZE_PLUGIN_SYMBOL_(name) adze_entry
#endif

typedef const adze_plugin *(*adze_plugin_entry) (void);

/* The contract's numbers as an ELF note, so that `adze plugin doctor` can say what a file needs
 * without running anything of it. */
typedef struct adze_plugin_note {
  uint32_t name_size;
  uint32_t content_size;
  uint32_t type; /* ADZE_PLUGIN_NOTE_ABI */
  char name[8];
  uint32_t abi_major;
  uint32_t abi_minor;
  uint32_t descriptor_size;
} adze_plugin_note;

#define ADZE_PLUGIN_NOTE_SECTION ".note.adze"
#define ADZE_PLUGIN_NOTE_ABI 1

/* ADZE_PLUGIN_REGISTER (my_plugin, descriptor): the last line of a plugin. */
#define ADZE_PLUGIN_REGISTER(name, descriptor) \
  __attribute__ ((section (ADZE_PLUGIN_NOTE_SECTION), used, aligned (4))) \
  static const adze_plugin_note name##_adze_note \
      = { 8, 12, ADZE_PLUGIN_NOTE_ABI, "adze", ADZE_ABI_MAJOR, ADZE_API_VERSION, \
          (uint32_t)sizeof (adze_plugin) }; \
  ADZE_PLUGIN_EXTERN_ __attribute__ ((visibility ("default"))) const adze_plugin * \
  ADZE_PLUGIN_SYMBOL_ (name) (void); \
  const adze_plugin *ADZE_PLUGIN_SYMBOL_ (name) (void) \
  { \
    return &(descriptor); \
  } \
  typedef int name##_adze_registered_

#ifdef __cplusplus
#define ADZE_PLUGIN_EXTERN_ extern "C"
#else
#define ADZE_PLUGIN_EXTERN_
#endif

ADZE_END_DECLS

#endif

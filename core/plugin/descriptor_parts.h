/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/descriptor_parts.h: what the three files behind plugin/descriptor.h share. Nobody else has
 * a use for it.
 *   descriptor.c         the way through a descriptor, in order
 *   descriptor_tables.c  tables whose last row has a NULL name, and what else has to be distrusted
 *   descriptor_kinds.c   the kinds, and what each demands of its callbacks */
#ifndef ADZE_PLUGIN_DESCRIPTOR_PARTS_H
#define ADZE_PLUGIN_DESCRIPTOR_PARTS_H

#include "plugin/descriptor.h"
#include "plugin/refusal.h"

/* How long a struct was when it ended in MEMBER. A floor stays where it is when the struct grows. */
#define ADZE_SIZE_THROUGH(type, member) (offsetof (type, member) + sizeof (((type *)0)->member))

/* Whose table it is: for messages. */
typedef struct adze_table_owner {
  const char *path;
  const char *label; /* "component 'x'" */
} adze_table_owner;

/* One component on its way into the manifest. */
typedef struct adze_candidate {
  adze_table_owner owner;
  const adze_component *component; /* the host's copy */
  adze_callbacks *callbacks;       /* likewise, to be filled in */
  adze_manifest_component *into;
} adze_candidate;

/* What the host knows of a kind. All kinds are drafts so far: the revision must be equal. */
typedef struct adze_kind_rule {
  const char *name;
  const char *struct_name;
  uint32_t revision;
  size_t least; /* of the callbacks' table, as it was in the first revision */
  size_t room;
  adze_error *(*check) (const adze_candidate *candidate);
} adze_kind_rule;

/* ---- descriptor_tables.c */

/* "cannot use PATH: LABEL ...": a refusal of step fields. */
ADZE_MUST_CHECK ADZE_PRINTF (3, 4) adze_error *adze_table_refusal (const adze_table_owner *owner,
                                                                   adze_status status,
                                                                   const char *format, ...);

/* Is SIZE one that a struct may have? And the facts for the REFUSAL of one that is not. */
bool adze_size_is_sane (uint32_t size, size_t least);
const char *adze_size_complaint (uint32_t size);
ADZE_MUST_CHECK adze_error *adze_size_facts (adze_error *refusal, uint32_t size, size_t least,
                                             const char *struct_name);

/* Copies min (SIZE, ROOM) over zeros, so that what an older plugin does not have is NULL or 0. */
void adze_copy_over_zeros (void *into, size_t room, const void *from, size_t size);

/* The same for a struct that begins with its size. */
ADZE_MUST_CHECK adze_error *adze_struct_copy (const adze_table_owner *owner, const char *what,
                                              const char *struct_name, const void *raw,
                                              size_t least, void *into, size_t room);

/* Copies SIZE bytes from where a table may have ended already. */
void adze_table_read (void *into, const void *from, size_t size);

/* Fill in params and ports of the manifest's component from rows that lie STRIDE bytes apart. What
 * the rows say is for adze_params_check to judge. NULL rows: there are none. */
ADZE_MUST_CHECK adze_error *adze_table_params (const adze_table_owner *owner,
                                               const adze_param *rows, uint32_t stride,
                                               adze_manifest_component *into);
ADZE_MUST_CHECK adze_error *adze_table_ports (const adze_table_owner *owner, const adze_port *rows,
                                              uint32_t stride, adze_manifest_component *into);

/* What a plugin calls itself may hold anything: TEXT as it can be shown, cut at the room. */
#define ADZE_SHOWN_TEXT 72
const char *adze_text_shown (const char *text, char shown[ADZE_SHOWN_TEXT]);

/* ---- descriptor_kinds.c */

/* The rule of the candidate's kind; a kind without one is refused, as is another revision. */
ADZE_MUST_CHECK adze_error *adze_kind_find (const adze_candidate *candidate,
                                            const adze_kind_rule **rule);

/* Copies the callbacks and checks them; fills in effect and ports. */
ADZE_MUST_CHECK adze_error *adze_kind_take (const adze_candidate *candidate,
                                            const adze_kind_rule *rule);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* adze/host_table.h: all that a plugin can call. Tier: stable.
 *
 * A plugin links to nothing of ours: what it needs comes through the table that each of its
 * callbacks is handed. Therefore the same plugin works as a shared object, linked statically,
 * and in a worker process.
 */
#ifndef ADZE_HOST_TABLE_H
#define ADZE_HOST_TABLE_H

#include <adze/status.h>

ADZE_BEGIN_DECLS

/* Thread tags, as they stand above each member of the SDK:
 *   [any]       from any thread, at any time while the plugin is loaded
 *   [callback]  only on a thread that is inside a callback of this component: the one that the
 *               host called on, or one that runs a body of adze.parallel for it
 * The conformance kit (adze plugin check) asserts them. */

typedef struct adze_host adze_host;
struct adze_host {
  uint32_t struct_size;
  uint32_t abi_major; /* what the host offers; its minor is at least the plugin's */
  uint32_t abi_minor;
  uint32_t reserved; /* 0 */

  /* [any] For messages: "adze" and "0.1.0". Owned by the host, valid while the plugin is loaded. */
  const char *name;
  const char *version;

  /* The host's own. A plugin hands it back by handing back the table. */
  void *opaque;

  /* [any] The table of a service, by an id such as "adze.log/1"; NULL when this host does not
   * have it, and a plugin must live with that answer. Owned by the host, valid while the plugin
   * is loaded. The inline helpers of each header turn an absent service into its documented
   * default, so that most plugins never call this themselves. */
  const void *(*service) (const adze_host *host, const char *id);

  /* [any] Memory that the host counts and can refuse: size bytes, zeroed, aligned to 64.
   * NULL when there is none. Owned by the plugin, which gives it back with release. malloc is
   * allowed too; the host can then neither count nor limit it. */
  void *(*allocate) (const adze_host *host, size_t size);
  void (*release) (const adze_host *host, void *memory);

  /* New members are appended here, each with the minor that it came with. */
};

/* Is MEMBER in the table that this host handed over? For members that came after 0.1. */
#define ADZE_HOST_HAS(host, member) \
  ((host)->struct_size >= offsetof (adze_host, member) + sizeof ((host)->member) && (host)->member)

ADZE_END_DECLS

#endif

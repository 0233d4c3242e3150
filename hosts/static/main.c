/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/static: the adze command with its plugins linked in, for machines without a dynamic
 * linker. It is its own worker, and takes no plugin from a file. */
#include <string.h>

#include <adze/host.h>

#include "cli/cli.h"

/* The table that libtool writes for -dlpreopen. ltdl.h calls it lt_preloaded_symbols and gives its
 * entries this layout; a host includes nothing but adze/host.h, so it is said again here. */
typedef struct preloaded_symbol {
  const char *name;
  void *address;
} preloaded_symbol;

extern const preloaded_symbol lt__PROGRAM__LTX_preloaded_symbols[];

int
main (int argc, char **argv)
{
  adze_runtime_preload (lt__PROGRAM__LTX_preloaded_symbols, true, true);
  if (argc > 1 && strcmp (argv[1], "--adze-worker") == 0)
    return adze_worker_main (argc, argv);
  return adze_cli_main (&adze_cli_adze, argc, argv);
}

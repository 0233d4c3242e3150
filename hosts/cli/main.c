/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/cli: the adze command. All of it is in cli.c, which hosts/static uses too. */
#include "cli/cli.h"

int
main (int argc, char **argv)
{
  return adze_cli_main (&adze_cli_adze, argc, argv);
}

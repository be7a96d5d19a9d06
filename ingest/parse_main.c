/* parse_main - the program cloister-parse; all it does is in worker.c. */
#include "ingest/ingest.h"

int main(int argc, char **argv)
{
    return ingest_parse_main(argc, argv);
}

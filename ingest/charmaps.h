/* charmaps - tables of characters, loaded once for all children. */
#ifndef INGEST_CHARMAPS_H
#define INGEST_CHARMAPS_H

/* Load them and keep them until the process ends. */
void charmaps_hold(void);

#endif

/* complaint - what Poppler says about a document that has lost text. */
#ifndef INGEST_COMPLAINT_H
#define INGEST_COMPLAINT_H

/* One message of Poppler, as it comes; what tells of no loss is forgotten. */
void complaint_hear(const char *message);

void complaint_forget(void); /* all that was heard: a new document begins */

/* Why text is missing, as the end of a sentence; NULL when nothing was heard. Maps
 * alone: only when it is for want of character maps. */
const char *complaint_loss(void);
const char *complaint_loss_of_maps(void);

#endif

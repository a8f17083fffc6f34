"""Function views of the approvals pages: translate in, call one operation or query, translate out."""

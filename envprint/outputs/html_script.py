"""The script of a page: filters, search, sorting and addresses that lead into it.

Without it everything is shown and nothing is missing: what it controls, it makes visible itself.
"""

SCRIPT = """
'use strict';
(() => {
  const all = (selector, inside = document) => [...inside.querySelectorAll(selector)];

  // A form shows those items of its part that have a chosen kind and all words of the search.
  const apply = form => {
    const part = document.getElementById(form.dataset.for);
    const kinds = all('input[type=checkbox]:checked, input[type=radio]:checked', form)
      .flatMap(input => input.value.split(' '));
    const search = form.querySelector('input[type=search]');
    const words = search.value.toLowerCase().split(/\\s+/).filter(Boolean);
    const items = all('[data-kind]', part);
    let shown = 0;
    for (const item of items) {
      const said = item.textContent.toLowerCase();
      const isChosen = !kinds.length || kinds.includes(item.dataset.kind);
      const fits = isChosen && words.every(word => said.includes(word));
      item.hidden = !fits;
      shown += fits;
    }
    for (const group of all('details[data-group]', part)) {
      const left = all('[data-kind]', group).filter(item => !item.hidden).length;
      group.hidden = !left;
      group.querySelector('.count').textContent = ` (${left})`;
      if (words.length) group.open = true;
    }
    form.querySelector('output').textContent = `${shown} of ${items.length} shown`;
  };
  for (const form of all('form[data-for]')) {
    form.hidden = false;
    form.addEventListener('submit', event => event.preventDefault());
    form.addEventListener('input', () => apply(form));
    apply(form);
  }

  // Columns are sorted by the buttons that their heads become; numbers by their size.
  const order = new Intl.Collator('en', {numeric: true}).compare;
  for (const table of all('table[data-sorts]')) {
    const body = table.tBodies[0];
    all('thead th', table).forEach((head, column) => {
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent = head.textContent;
      head.replaceChildren(button);
      button.addEventListener('click', () => {
        const falls = head.getAttribute('aria-sort') === 'ascending';
        all('thead th', table).forEach(other => other.removeAttribute('aria-sort'));
        head.setAttribute('aria-sort', falls ? 'descending' : 'ascending');
        const said = row => row.cells[column].textContent;
        const rows = [...body.rows].sort((a, b) => order(said(a), said(b)) * (falls ? -1 : 1));
        body.append(...rows);
      });
    });
  }

  // An address leads to its finding even if a filter hides it or it is folded.
  const lead = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    if (target.hidden) {
      const part = target.closest('section');
      const form = part && part.querySelector('form[data-for]');
      if (form) {
        form.reset();
        apply(form);
      }
      target.hidden = false;
    }
    for (let outer = target; outer; outer = outer.parentElement) {
      if (outer.tagName === 'DETAILS') outer.open = true;
    }
    target.scrollIntoView();
  };
  addEventListener('hashchange', lead);
  lead();

  // Paper has no folds.
  let folded = [];
  addEventListener('beforeprint', () => {
    folded = all('details:not([open])');
    folded.forEach(one => { one.open = true; });
  });
  addEventListener('afterprint', () => folded.forEach(one => { one.open = false; }));
})();
"""

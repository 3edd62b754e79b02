'use strict';
(() => {
  const points = JSON.parse(document.getElementById('frontier-data').textContent);
  const colours = ['#57606a', '#cf222e', '#bc4c00', '#1a7f37', '#0969da', '#8250df', '#bf3989', '#4d2d00'];
  const radius = 5, fontSize = 12;

  // Systems that no other beats on both axes, from the least acquired to the most.
  const frontier = points
    .filter(point => !points.some(other => other !== point
      && other.acquired >= point.acquired && other.forgotten <= point.forgotten
      && (other.acquired > point.acquired || other.forgotten < point.forgotten)))
    .sort((a, b) => a.acquired - b.acquired);

  function draw(chart) {
    const context = chart.ctx, ratio = devicePixelRatio;
    const place = point => ({
      x: chart.valToPos(point.acquired, 'x', true), y: chart.valToPos(point.forgotten, 'y', true),
    });
    context.save();
    context.strokeStyle = '#8c959f';
    context.lineWidth = ratio;
    context.setLineDash([5 * ratio, 4 * ratio]);
    context.beginPath();
    frontier.map(place).forEach((at, index) => index ? context.lineTo(at.x, at.y) : context.moveTo(at.x, at.y));
    context.stroke();
    context.setLineDash([]);
    context.font = `${fontSize * ratio}px system-ui, sans-serif`;
    context.textAlign = 'left';
    context.textBaseline = 'middle';
    const size = 2 * radius * ratio;
    const taken = points.map(place).map(at => ({ x: at.x - size / 2, y: at.y - size / 2, width: size, height: size }));
    points.forEach((point, index) => {
      const at = place(point), colour = colours[index % colours.length];
      context.fillStyle = context.strokeStyle = colour;
      context.beginPath();
      context.arc(at.x, at.y, radius * ratio, 0, 2 * Math.PI);
      context.fill();
      const label = freePlace(chart, at, context.measureText(point.label).width, taken);
      taken.push(label);
      if (label.moved) {
        context.beginPath();
        context.moveTo(at.x, at.y);
        context.lineTo(label.x > at.x ? label.x - 2 * ratio : label.x + label.width + 2 * ratio, label.y + label.height / 2);
        context.stroke();
      }
      context.fillText(point.label, label.x, label.y + label.height / 2);
    });
    context.restore();
  }

  // The nearest place for a name, right or left of its point, that covers no other name or point.
  function freePlace(chart, at, width, taken) {
    const ratio = devicePixelRatio, height = (fontSize + 3) * ratio, gap = (radius + 5) * ratio;
    const edge = chart.bbox;
    for (let step = 0; step < 40; step++) {
      const shift = (step % 2 ? 1 : -1) * Math.ceil(step / 2) * height / 2;
      const out = step > 1 ? gap : 0;
      for (const x of [at.x + gap + out, at.x - gap - out - width]) {
        const box = { x, y: at.y + shift - height / 2, width, height, moved: step > 1 };
        const inside = box.x >= edge.left && box.x + width <= edge.left + edge.width
          && box.y >= edge.top && box.y + height <= edge.top + edge.height;
        if (inside && !taken.some(other => overlap(box, other)))
          return box;
      }
    }
    return { x: at.x + gap, y: at.y - height / 2, width, height, moved: false };
  }

  function overlap(a, b) {
    return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
  }

  function padded(values) {
    const least = Math.min(0, ...values), most = Math.max(0, ...values), room = 0.12 * (most - least || 1);
    return [least - room, most + room];
  }

  const x = padded(points.map(point => point.acquired)), y = padded(points.map(point => point.forgotten));
  const target = document.getElementById('frontier');
  new uPlot({
    mode: 2,
    width: Math.max(320, Math.min(target.clientWidth, 1000)),
    height: 520,
    cursor: { show: false },
    legend: { show: false },
    scales: { x: { time: false, range: () => x }, y: { range: () => y } },
    axes: [
      { label: '% fewer bits per byte on held-in languages: acquired, more is better' },
      { label: '% more bits per byte on base languages: forgotten, less is better' },
    ],
    series: [null, ...points.map(point => ({ label: point.label, paths: () => null }))],
    hooks: { draw: [draw] },
  }, [null, ...points.map(point => [[point.acquired], [point.forgotten]])], target);
})();
